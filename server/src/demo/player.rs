//! Who plays the story: a process for each agent, and one for each command.
//!
//! An agent is a `coro-cli mcp`, as its IDE would start it, and what it runs in
//! its shell is a process of its own. None of them outlives the player: each is
//! in a group of its own, so that Ctrl-C is not theirs to see, and has a task
//! that ends it with the demo and waits for it, before the folder goes. Where an
//! agent dies the demo ends.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::io::{BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Speed;
use super::story::{AGENTS, Act, Call, OWNER, Step, Story};
use crate::platform;

/// How often an agent that has nothing to do shows that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// How long the last step of a round has its effect, in the story's time.
const ROUND_END: Duration = Duration::from_secs(20);

/// The version of the protocol that the agents' MCP clients speak.
const PROTOCOL: &str = "2025-11-25";

/// Where and with what is played.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) cli: PathBuf,
    /// Home and working directory of whoever plays.
    pub(super) home: PathBuf,
    pub(super) url: String,
    pub(super) owner_token: String,
}

/// The agents, and what they know.
pub(super) struct Crew {
    stage: Stage,
    speed: Speed,
    tokens: HashMap<&'static str, String>,
    bridges: HashMap<&'static str, Bridge>,
    silent: Vec<String>,
    /// What commands have printed, by the names of the story.
    known: HashMap<String, String>,
    last_sign: Instant,
    /// Whoever watches over a process, each as long as it runs.
    beside: JoinSet<()>,
    died: mpsc::Receiver<(&'static str, ExitStatus)>,
    curtain: CancellationToken,
}

impl Crew {
    /// Gives each agent a token and starts its process.
    pub(super) async fn gather(stage: Stage, speed: Speed) -> anyhow::Result<Crew> {
        let (tell, died) = mpsc::channel(AGENTS.len());
        let mut crew = Crew {
            stage,
            speed,
            tokens: HashMap::new(),
            bridges: HashMap::new(),
            silent: Vec::new(),
            known: HashMap::new(),
            last_sign: Instant::now(),
            beside: JoinSet::new(),
            died,
            curtain: CancellationToken::new(),
        };
        for name in AGENTS {
            let token = crew.token_for(name).await?;
            crew.tokens.insert(name, token);
            let mut child = crew.as_agent(name, &["mcp".to_owned()])?.spawn()?;
            let bridge = Bridge::of(&mut child).context("no pipes")?;
            crew.bridges.insert(name, bridge);
            let (tell, curtain) = (tell.clone(), crew.curtain.clone());
            crew.beside.spawn(watch(name, child, tell, curtain));
        }
        Ok(crew)
    }

    async fn token_for(&self, name: &str) -> anyhow::Result<String> {
        let role = if name == "lead" {
            "controller"
        } else {
            "agent"
        };
        let line = format!("tokens create {name} --role {role} --kind agent --project shop");
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let output = self.stage.as_owner(&words).output().await?;
        if !output.status.success() {
            bail!("no token for {name}: {}", said(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Plays until an agent dies, and tells of it.
    pub(super) async fn play(&mut self) -> anyhow::Error {
        match self.try_play().await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn try_play(&mut self) -> anyhow::Result<Infallible> {
        let story = Story::read().map_err(|error| anyhow!("the story: {error}"))?;
        for name in AGENTS {
            let hello = json!({"protocolVersion": PROTOCOL, "capabilities": {},
                "clientInfo": {"name": "coro-demo", "version": env!("CARGO_PKG_VERSION")}});
            self.ask(name, "initialize", hello).await?;
        }
        // However slow the story: who looks on is not to wait for a page.
        self.act(&story.opening, self.speed.at_least_one()).await?;
        self.act(&story.hour, self.speed).await?;
        for round in 1_u64.. {
            if self.speed == Speed::Max {
                break;
            }
            self.known.insert("round".to_owned(), round.to_string());
            self.act(&story.round, self.speed).await?;
            self.until(Instant::now() + self.speed.real(ROUND_END))
                .await?;
        }
        loop {
            self.until(Instant::now() + SIGN_OF_LIFE).await?;
        }
    }

    async fn act(&mut self, steps: &[Step], speed: Speed) -> anyhow::Result<()> {
        let begin = Instant::now();
        for step in steps {
            self.until(begin + speed.real(step.at)).await?;
            self.step(step).await?;
        }
        Ok(())
    }

    /// Waits; meanwhile the agents live, and their deaths are noticed.
    async fn until(&mut self, time: Instant) -> anyhow::Result<()> {
        loop {
            let sign = self.last_sign + SIGN_OF_LIFE;
            tokio::select! {
                biased;
                Some((name, status)) = self.died.recv() => return Err(lost(name, status)),
                () = sleep_until(sign.min(time)) => {}
            }
            if Instant::now() >= sign {
                self.last_sign = Instant::now();
                self.live().await?;
            }
            if Instant::now() >= time {
                return Ok(());
            }
        }
    }

    async fn live(&mut self) -> anyhow::Result<()> {
        for name in AGENTS {
            if !self.silent.iter().any(|silent| silent == name) {
                self.ask(name, "ping", json!({})).await?;
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let who = step.who.as_str();
        match &step.act {
            Act::FallSilent => self.silent.push(who.to_owned()),
            Act::ComeBack => self.silent.retain(|silent| silent != who),
            Act::Tool(tool, arguments) => {
                let arguments: Value = serde_json::from_str(&self.filled(arguments))?;
                let params = json!({"name": tool, "arguments": arguments});
                let told = self.ask(who, "tools/call", params).await?;
                if told["isError"] == true || told.is_null() {
                    tracing::warn!("{who}: {tool} went otherwise than the story says: {told}");
                }
            }
            Act::Run(call) => {
                let call = self.filled_call(call);
                let output = self.run(self.command(who, &call.words)?, &call).await?;
                if let Some(name) = &call.named {
                    self.known.insert(name.clone(), first_word(&output));
                }
                if output.status.code() != Some(call.exits) {
                    let line = call.words.join(" ");
                    tracing::warn!(
                        "{who}: {line:?} went otherwise than the story says: {}",
                        said(&output)
                    );
                }
            }
            Act::Wait(calls) => {
                let mut ready = Vec::new();
                for call in calls {
                    let call = self.filled_call(call);
                    ready.push((self.command(who, &call.words)?, call));
                }
                self.beside
                    .spawn(one_after_the_other(ready, self.curtain.clone()));
            }
        }
        Ok(())
    }

    /// What an agent's MCP client asks; gives the result, null for an error.
    async fn ask(&mut self, name: &str, method: &str, params: Value) -> anyhow::Result<Value> {
        let bridge = self.bridges.get_mut(name).context("nobody of that name")?;
        let answered = tokio::select! {
            biased;
            answered = bridge.ask(method, params) => answered,
            Some((name, status)) = self.died.recv() => return Err(lost(name, status)),
        };
        match answered {
            Ok(result) => Ok(result),
            // A pipe breaks before the death of its process is known.
            Err(error) => match self.died.recv().await {
                Some((name, status)) => Err(lost(name, status)),
                None => Err(error.into()),
            },
        }
    }

    /// Runs a command. It is another task that ends it: this one is dropped with
    /// the story.
    async fn run(&mut self, command: Command, call: &Call) -> anyhow::Result<Output> {
        while self.beside.try_join_next().is_some() {}
        let (tell, told) = oneshot::channel();
        let (call, curtain) = (call.clone(), self.curtain.clone());
        self.beside.spawn(async move {
            let _ = tell.send(run(command, &call, &curtain).await);
        });
        told.await?
    }

    fn command(&self, who: &str, words: &[String]) -> anyhow::Result<Command> {
        if who == OWNER {
            return Ok(self.stage.as_owner(words));
        }
        self.as_agent(who, words)
    }

    fn as_agent(&self, name: &str, words: &[String]) -> anyhow::Result<Command> {
        let token = self.tokens.get(name).context("nobody of that name")?;
        let mut command = self.stage.command(words);
        command
            .env("CORO_TOKEN", token)
            .env("CORO_AGENT", name)
            .env("CORO_PROJECT", "shop");
        Ok(command)
    }

    fn filled_call(&self, call: &Call) -> Call {
        Call {
            words: call.words.iter().map(|word| self.filled(word)).collect(),
            ..call.clone()
        }
    }

    /// A word with what the names in it stand for.
    fn filled(&self, word: &str) -> String {
        let mut filled = word.to_owned();
        for name in names_in(word) {
            let value = self.known.get(name).map_or("-", String::as_str);
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }

    /// Ends every process, and waits until it has ended.
    pub(super) async fn end(mut self) {
        self.curtain.cancel();
        self.bridges.clear();
        while self.beside.join_next().await.is_some() {}
    }
}

impl Stage {
    /// A call with nothing of the environment of whoever started the demo.
    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&self.cli);
        command
            .args(words)
            .env_clear()
            .env("HOME", &self.home)
            .env("CORO_URL", &self.url)
            .current_dir(&self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        platform::in_own_group(&mut command);
        command
    }

    fn as_owner(&self, words: &[String]) -> Command {
        let mut command = self.command(words);
        command.env("CORO_TOKEN", &self.owner_token);
        command
    }

    /// The page's address with a code to sign in, which is opened where it is
    /// wished: a browser needs the environment of its user.
    pub(super) async fn sign_in(&self, opens: bool) -> anyhow::Result<String> {
        let words = ["dashboard".to_owned(), "--no-open".to_owned()];
        let mut command = Command::new(&self.cli);
        command
            .args(&words[..if opens { 1 } else { 2 }])
            .env("CORO_URL", &self.url)
            .env("CORO_TOKEN", &self.owner_token)
            .env_remove("CORO_AGENT")
            .stdin(Stdio::null())
            .current_dir(&self.home)
            .kill_on_drop(true);
        platform::in_own_group(&mut command);
        let output = command.output().await?;
        if !output.status.success() {
            bail!("no code to sign in with: {}", said(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The client's end of an agent's `coro-cli mcp`.
struct Bridge {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    last_id: u64,
}

impl Bridge {
    fn of(child: &mut Child) -> Option<Bridge> {
        Some(Bridge {
            input: child.stdin.take()?,
            output: BufReader::new(child.stdout.take()?).lines(),
            last_id: 0,
        })
    }

    async fn ask(&mut self, method: &str, params: Value) -> std::io::Result<Value> {
        self.last_id += 1;
        let message =
            json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await?;
        while let Some(line) = self.output.next_line().await? {
            let answer: Value = serde_json::from_str(&line).unwrap_or_default();
            if answer["id"] == self.last_id {
                return Ok(answer["result"].clone());
            }
        }
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Waits for a process to end by itself, or ends it with the demo.
async fn watch(
    name: &'static str,
    mut child: Child,
    tell: mpsc::Sender<(&'static str, ExitStatus)>,
    curtain: CancellationToken,
) {
    // What it says is not ours to print, and a full pipe would stop it.
    drop(child.stderr.take());
    tokio::select! {
        () = curtain.cancelled() => {
            let _ = child.kill().await;
        }
        Ok(status) = child.wait() => {
            let _ = tell.send((name, status)).await;
        }
    }
}

/// Runs calls as long as they succeed. Nobody waits for them: what they wait
/// for is a human who may never come.
async fn one_after_the_other(calls: Vec<(Command, Call)>, curtain: CancellationToken) {
    for (command, call) in calls {
        let done = run(command, &call, &curtain).await;
        if !done.is_ok_and(|output| output.status.code() == Some(call.exits)) {
            return;
        }
    }
}

/// Runs a command until it ends by itself, or ends it with the demo.
async fn run(
    mut command: Command,
    call: &Call,
    curtain: &CancellationToken,
) -> anyhow::Result<Output> {
    let mut child = command.spawn()?;
    tokio::select! {
        () = curtain.cancelled() => {
            child.kill().await?;
            bail!("the demo has ended")
        }
        output = output_of(&mut child, call) => Ok(output?),
    }
}

/// As `wait_with_output`, and the process is still there where this is dropped.
async fn output_of(child: &mut Child, call: &Call) -> std::io::Result<Output> {
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), &call.input) {
        // A command that needs no input may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (status, stdout, stderr) = tokio::try_join!(child.wait(), whole(out), whole(err))?;
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

async fn whole(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn lost(name: &str, status: ExitStatus) -> anyhow::Error {
    anyhow!("the process of the agent {name} has ended ({status}), and the demo with it")
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    format!("{}, {}", output.status, said.trim())
}

fn first_word(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The names in braces of a word. Braces of JSON have no name in them.
pub(super) fn names_in(word: &str) -> Vec<&str> {
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    word.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(is_name)
        .collect()
}
