//! What a client runs at its hooks: one call of the server, answered in the
//! client's own form.
//!
//! A file for each form says how the client's words become a `Moment` and how
//! what is `Said` becomes its output; `FORMS` lists them. To add a client, write
//! its two functions with the source of its form in the header, a row here and
//! in the tables of `docs/hooks.md`, and lines in the files below `tests`.
//!
//! What must hold: a hook never stands in the way because something is wrong
//! with Coro (`--fail-closed` excepted); it ends with 0, and standard output has
//! the client's form or nothing. A message counts as shown only where its text
//! reaches the model, see `ledger`.

mod attempt;
mod claude;
mod cline;
mod codex;
mod copilot;
mod cursor;
mod form;
mod gemini;
mod ledger;
mod settings;
#[cfg(test)]
mod tests;
mod windsurf;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use coro_api::hooks::{HookAnswer, HookCall, HookEvent, HookMessage};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::form::{Form, Moment, Output, Said};
use self::ledger::{Ledger, Offer};
use crate::commands::Run;
use crate::error::{CliError, Result, failed, hook_refused, invalid};
use crate::http::{Method, Patience, Request};
use crate::repository::name_in_own_repository;
use crate::session::{Session, unexpected};

static FORMS: [Form; 10] = [
    claude::CLAUDE,
    codex::CODEX,
    cursor::CURSOR,
    gemini::GEMINI,
    copilot::COPILOT,
    cline::CLINE,
    windsurf::WINDSURF,
    claude::DROID,
    claude::DEVIN,
    claude::QWEN,
];

/// The most that a client may say at once: a tool's input has whole files.
const INPUT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How long connecting and the answer may take together; clients are told five
/// seconds for the whole hook.
const CALL_DURATION_MAX: Duration = Duration::from_secs(2);

/// The most text that is handed to a model at once. Some clients drop or cut
/// what has more than 10,000 characters.
const TEXT_BYTES_MAX: usize = 9_000;

/// Answer a hook of an AI client: what the client says is read from standard input
///
/// The server is told what happens, and the client is told what the agent should
/// know: messages, refusals of edits and pauses, what to go on with. Where the
/// server can't be asked, a line on standard error says so and the client goes on.
#[derive(Args)]
pub(crate) struct Hook {
    /// The client whose form is spoken
    #[arg(value_parser = clients())]
    client: String,
    /// Refuse an edit about which the server could not be asked
    #[arg(long)]
    fail_closed: bool,
    /// Print what the client's own settings need, and name their file
    #[arg(long)]
    settings: bool,
}

fn clients() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMS.iter().map(|form| form.name))
}

impl Run for Hook {
    fn run(self, session: &mut Session<'_>) -> Result<()> {
        let form = FORMS.iter().find(|form| form.name == self.client);
        let form = form.ok_or_else(|| invalid(format!("no client {:?}", self.client)))?;
        if self.settings {
            return show_settings(session, form);
        }
        // Where there is no standard input, that is said as an error.
        session.machine()?;
        let input = match read_input(session) {
            Ok(input) => input,
            Err(fault) => {
                session.talk(&fault.to_string());
                return Ok(());
            }
        };
        // Cursor runs the hooks of Claude Code's file too, in its own form.
        let form = match cursor::is_calling(&input) {
            true => &cursor::CURSOR,
            false => form,
        };
        let decides = attempt::words_in(&input);
        let moment = match ((form.read)(&input), &decides) {
            (Some(moment), _) => moment,
            // A moment of which nothing else is told.
            (None, Some(_)) => Moment::new(HookEvent::AfterTool, ""),
            (None, None) => return Ok(()),
        };
        let said = match ask(session, form, &moment, decides) {
            Ok(said) => said,
            Err(error) => self.without_answer(session, &moment, &error),
        };
        print(session, (form.answer)(&moment, &said))
    }
}

impl Hook {
    /// What to say where the server could not be asked.
    fn without_answer(&self, session: &mut Session<'_>, moment: &Moment, error: &CliError) -> Said {
        // A token that is no agent's has no hooks; once a session is enough.
        let is_no_agent = error.status == Some(409);
        if !is_no_agent || moment.event == HookEvent::SessionStart {
            session.talk(&format!("the hook has no answer: {error}"));
        }
        let refuses = self.fail_closed && !moment.edits.is_empty();
        Said {
            refuse: refuses.then(|| {
                format!("Coro could not be asked about this edit, and the hook is set to refuse then: {error}")
            }),
            ..Said::default()
        }
    }
}

fn read_input(session: &mut Session<'_>) -> Result<Value> {
    let stdin = &mut session.machine()?.stdin;
    let mut bytes = Vec::new();
    stdin
        .take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(format!("can't read standard input: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        let fault = format!("the client said more than {INPUT_BYTES_MAX} bytes");
        return Err(invalid(fault).hint("the hook is passed over"));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        invalid(format!("the client said no JSON: {error}"))
            .hint("a client starts this, see coro-cli hook CLIENT --settings")
    })
}

/// Asks the server, and keeps of its answer what the model is to see.
fn ask(
    session: &mut Session<'_>,
    form: &Form,
    moment: &Moment,
    decides: Option<String>,
) -> Result<Said> {
    let folder = work_in(session, moment)?;
    let token = session.token()?.map(|token| fingerprint(token.reveal()));
    let environment = &session.machine()?.environment;
    let mut ledger = token.and_then(|token| Ledger::open(environment, &token));
    let shown = match &ledger {
        Some(ledger) => Some(ledger.untold().to_vec()),
        // What is given counts as shown then, so it has to be.
        None if surely_shows(moment) => None,
        None => Some(Vec::new()),
    };
    let call = HookCall {
        event: moment.event,
        client: form.client.to_owned(),
        workspace: match moment.event {
            HookEvent::SessionStart => folder.to_string_lossy().into_owned(),
            _ => String::new(),
        },
        continues: moment.continues,
        paths: edited_paths(moment, &folder),
        shown,
        decides,
    };
    let answer = exchange(session, &call)?;
    Ok(keep(session, ledger.as_mut(), moment, answer))
}

fn exchange(session: &mut Session<'_>, call: &HookCall) -> Result<HookAnswer> {
    let body = serde_json::to_vec(call).map_err(|error| failed(error.to_string()))?;
    let request = Request::new(Method::Post, "/api/hook")
        .body("application/json", body)
        .patience(Patience::whole(CALL_DURATION_MAX));
    let response = session.call(request)?;
    serde_json::from_slice(&response.body).map_err(|error| unexpected(&error))
}

/// The files that the tool is about to change, each once, from the root of its
/// repository.
fn edited_paths(moment: &Moment, folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    for file in &moment.edits {
        let path = name_in_own_repository(file, folder);
        paths.extend(path.filter(|path| !paths.contains(path)));
    }
    paths
}

/// Works where the client's session does, as a client may start its hooks
/// anywhere: the project's settings are found from there.
fn work_in(session: &mut Session<'_>, moment: &Moment) -> Result<PathBuf> {
    let environment = &mut session.machine()?.environment;
    let folder = moment.folder.as_deref().map(Path::new);
    if let Some(folder) = folder.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        environment.working_directory = folder.to_owned();
    }
    Ok(environment.working_directory.clone())
}

/// Whether text is shown at this moment whatever else the answer says.
fn surely_shows(moment: &Moment) -> bool {
    let is_free = !matches!(moment.event, HookEvent::BeforeTool | HookEvent::Stop);
    moment.shows && is_free
}

/// Keeps what the client will hand to the model, and remembers it as shown.
fn keep(
    session: &mut Session<'_>,
    ledger: Option<&mut Ledger>,
    moment: &Moment,
    answer: HookAnswer,
) -> Said {
    // A refusal is its reason alone: not every client reads on.
    let decides = answer.refuse.is_some() || answer.confirm.is_some();
    let ends = moment.event == HookEvent::Stop && answer.go_on.is_none();
    let shows = moment.shows && !decides && !ends;
    let context = match shows {
        true => cut(answer.context, TEXT_BYTES_MAX / 2),
        false => String::new(),
    };
    let room = TEXT_BYTES_MAX - context.len();
    let short = |message: HookMessage| HookMessage {
        text: cut(message.text, room),
        ..message
    };
    let messages = answer.messages.into_iter().filter(|_| shows).map(short);
    let offer = Offer {
        messages: messages.collect(),
        room,
        go_on: answer.go_on,
        goes_on: moment.goes_on,
    };
    let (messages, go_on) = settle(session, ledger, offer);
    Said {
        text: joined(context, &messages),
        refuse: answer.refuse,
        confirm: answer.confirm,
        go_on,
    }
}

/// The messages that are new, and what to go on with. What can't be noted as
/// shown is not shown: it comes again.
fn settle(
    session: &mut Session<'_>,
    ledger: Option<&mut Ledger>,
    offer: Offer,
) -> (Vec<HookMessage>, Option<String>) {
    let go_on = offer.go_on.clone();
    let settled = match ledger {
        Some(ledger) => ledger.settle(offer),
        None => Ok(ledger::unremembered(offer)),
    };
    match settled {
        Ok(offer) => (offer.messages, offer.go_on),
        Err(error) => {
            session.talk(&format!(
                "can't note which messages are shown: {error} (they come again; check .coro/local)"
            ));
            (Vec::new(), go_on)
        }
    }
}

fn joined(context: String, messages: &[HookMessage]) -> String {
    let texts = messages.iter().map(|message| message.text.as_str());
    let parts: Vec<&str> = std::iter::once(context.as_str())
        .chain(texts)
        .filter(|text| !text.is_empty())
        .collect();
    parts.join("\n\n")
}

/// At most so many bytes of a text, whole characters, with a sign where it was
/// longer.
fn cut(mut text: String, bytes_max: usize) -> String {
    const SIGN: &str = " …";
    if text.len() > bytes_max {
        let mut ends = (0..=bytes_max - SIGN.len()).rev();
        let end = ends.find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push_str(SIGN);
    }
    text
}

/// A short name for a secret or a text, by which it can be known again.
fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn print(session: &mut Session<'_>, output: Output) -> Result<()> {
    match output {
        Output::Nothing => Ok(()),
        Output::Json(json) => session.line(&json.to_string()),
        Output::Refusal(reason) => Err(hook_refused(reason)),
    }
}

fn show_settings(session: &mut Session<'_>, form: &Form) -> Result<()> {
    let settings = (form.settings)();
    session.line(&settings.shown())?;
    session.talk(&format!(
        "this is for {} ({})",
        settings.file, settings.note
    ));
    Ok(())
}
