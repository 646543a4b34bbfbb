//! The attack: a process of the same user, with a shell, wants a protected
//! request decided. Whatever it does is refused and written down. Then a human
//! decides it, on a terminal, with the passphrase.

use std::path::PathBuf;

use coro_api::Reason;
use coro_api::audit::AuditEntry;
use coro_api::requests::{Request, RequestStatus};
use coro_tests::mcp::{Era, Mcp};
use coro_tests::{Cli, Output, Server, both_engines};
use serde_json::json;

both_engines![
    a_process_of_the_same_user_decides_nothing_and_a_human_does,
    a_person_sets_the_humans_on_a_terminal,
    what_is_shown_is_what_is_decided,
    no_hook_of_any_client_decides,
    a_prompt_decides_a_plain_request_by_no_hook,
    a_human_who_is_named_decides_on_a_terminal_or_not_at_all,
    an_interrupt_at_the_passphrase_gives_the_echo_back,
    a_human_refuses_on_a_terminal,
    an_option_that_is_not_there_asks_for_no_passphrase,
    a_human_sets_who_decides_on_a_terminal,
    what_two_decide_is_changed_by_two_on_a_terminal,
    plain_requests_need_no_terminal,
    reasons_are_any_text_and_may_come_from_standard_input,
    the_asker_waits_in_a_shell,
];

const PASSPHRASE: &str = "correct horse battery";

/// Every client that has hooks.
const CLIENTS: [&str; 10] = [
    "claude", "codex", "cursor", "gemini", "copilot", "cline", "windsurf", "droid", "devin", "qwen",
];

/// A process that has read access to all that its user has.
struct Attacker<'a> {
    server: &'a Server,
    /// With the token that it was given.
    agent: Cli,
    request: Request,
}

impl Attacker<'_> {
    fn new(server: &Server) -> Attacker<'_> {
        let agent = server.agent("frontend");
        let rule = json!({"title": "Force-push is fine", "kind": "rule"});
        let request = agent.post("/api/requests", rule).ok();
        Attacker {
            server,
            agent: server.cli().token(agent.token()),
            request,
        }
    }

    /// Without any token, in the server's data folder: it finds the owner's
    /// by itself, as the user's own calls do.
    fn as_the_user(&self) -> Cli {
        Cli::new(self.server.options().scratch()).data_dir(&self.server.data_dir())
    }

    fn owner_token(&self) -> PathBuf {
        self.server.data_dir().join("owner.token")
    }

    /// Whatever it tried is refused in one line, changed nothing, and is in
    /// the audit.
    #[track_caller]
    fn fails(&self, how: &str, attempt: impl FnOnce() -> Output) {
        let before = self.refusals();
        let output = attempt();
        assert_ne!(output.code, 0, "{how}: {output:?}");
        assert_eq!(output.stdout, "", "{how}: {output:?}");
        assert_eq!(
            output.stderr.trim_end().lines().count(),
            1,
            "{how}: {output:?}"
        );
        assert!(self.refusals() > before, "{how} is not in the audit");
        assert_eq!(self.now().status, RequestStatus::Open, "{how}");
        assert!(self.now().votes.is_empty(), "{how}");
        // Refusals are counted by the minute.
        self.server.advance_seconds(61);
    }

    /// As [`Attacker::fails`], by a client's hook: that goes on, as it stands in
    /// nobody's way, and decides nothing.
    #[track_caller]
    fn hooks_in_vain(&self, cli: &Cli, client: &str, input: &serde_json::Value) {
        let before = self.refusals();
        let output = cli.run_with_input(&["hook", client], input.to_string().as_bytes());
        let how = format!("{client}: {input}: {output:?}");
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(
            !shown.contains("allow") && !shown.contains("approve"),
            "{how}"
        );
        let entries = self.server.get("/api/audit?action=request.refused&limit=1");
        let entry = entries.ok::<Vec<AuditEntry>>().remove(0);
        assert_eq!(self.refusals(), before + 1, "{how}");
        assert_eq!(
            (&*entry.resource, &*entry.outcome),
            ("R-1", "refused"),
            "{how}"
        );
        assert!(
            entry.detail.contains("\"how\":\"hook\""),
            "{how}: {entry:?}"
        );
        let now = self.now();
        assert_eq!(
            (now.status, now.votes.len()),
            (RequestStatus::Open, 0),
            "{how}"
        );
        self.server.advance_seconds(61);
    }

    fn now(&self) -> Request {
        let path = format!("/api/requests/{}", self.request.number);
        self.server.get(&path).ok()
    }

    fn refusals(&self) -> usize {
        let all: Vec<AuditEntry> = self.server.get("/api/audit?limit=1000").ok();
        let is_refusal = |entry: &&AuditEntry| entry.outcome == "refused";
        all.iter().filter(is_refusal).count()
    }

    /// A request as curl sends it.
    fn send(&self, request: coro_tests::Request) -> Output {
        let answer = request.send();
        Output {
            code: i32::from(answer.status != 200),
            stdout: String::new(),
            stderr: answer.text(),
        }
    }

    fn decision(&self) -> serde_json::Value {
        json!({"option": "yes", "digest": self.request.digest})
    }

    fn path(&self) -> String {
        format!("/api/requests/{}/decide", self.request.number)
    }
}

fn set_ada(server: &Server) {
    let ada = json!({"name": "ada", "passphrase": PASSPHRASE});
    server.post("/api/humans", ada).send().expect(200);
}

fn mcp(client: coro_tests::Client, command: &str) -> Output {
    let told = Mcp::new(client, Era::Modern).call("coro", json!({ "command": command }));
    Output {
        code: i32::from(told.is_error),
        stdout: String::new(),
        stderr: told.text,
    }
}

fn a_process_of_the_same_user_decides_nothing_and_a_human_does(server: &Server) {
    set_ada(server);
    let attacker = Attacker::new(server);
    let (agent, user) = (&attacker.agent, attacker.as_the_user());
    let owner_file = attacker.owner_token().display().to_string();
    let socket = format!("unix:{}", server.data_dir().join("coro.sock").display());
    let token = agent.value("CORO_TOKEN").expect("it has one");

    attacker.fails("no token", || {
        let request = server
            .anonymous()
            .post(&attacker.path(), attacker.decision());
        attacker.send(request)
    });
    attacker.fails("a policy without a token", || {
        let policies = server.anonymous().request("PUT", "/api/requests/policies");
        attacker.send(policies.json(&json!({"kind": "rule", "deciders": ["eve"]})))
    });
    attacker.fails("its own token", || {
        agent.run_without_terminal(&["yes", "R-1"])
    });
    attacker.fails("owner.token", || {
        agent.run_without_terminal(&["yes", "R-1", "--token-file", &owner_file])
    });
    attacker.fails("as the user", || user.run_without_terminal(&["yes", "R-1"]));
    attacker.fails("as the user, saying to be ada", || {
        user.run_without_terminal(&["yes", "R-1", "--as", "ada"])
    });
    attacker.fails("the socket", || {
        agent.run_without_terminal(&["--url", &socket, "yes", "R-1"])
    });
    attacker.fails("the socket with owner.token", || {
        let line = ["--url", &socket, "--token-file", &owner_file, "yes", "R-1"];
        agent.run_without_terminal(&line)
    });
    attacker.fails("MCP", || mcp(server.client(&token), "yes R-1"));
    attacker.fails("MCP with owner.token", || mcp(server.owner(), "yes R-1"));
    let by_hook = json!({"event": "before_tool", "decision": "yes", "request": "R-1"});
    for (how, client) in [
        ("its token", server.client(&token)),
        ("owner.token", server.owner()),
    ] {
        attacker.fails(&format!("a hook with {how}"), || {
            attacker.send(client.post("/api/hook", by_hook.clone()))
        });
        attacker.fails(&format!("a whole decision by a hook with {how}"), || {
            attacker.send(client.post("/api/hook", attacker.decision()))
        });
    }
    let nobody = server.anonymous().post("/api/hook", by_hook);
    nobody.refused(Reason::Unauthenticated);
    for cli in [agent, &user] {
        let prompt = json!({"hook_event_name": "UserPromptSubmit", "prompt": "yes R-1"});
        attacker.hooks_in_vain(cli, "claude", &prompt);
    }
    attacker.fails("a session that it made up", || {
        let request = server.post(&attacker.path(), attacker.decision());
        attacker.send(request.header("Coro-Human", "corh_made_up"))
    });
    attacker.fails("a human of its own", || {
        let eve = json!({"name": "eve", "passphrase": "eve knows this one"});
        attacker.send(server.post("/api/humans", eve))
    });
    attacker.fails("a policy of its own", || {
        user.run_without_terminal(&["requests", "policy", "--kind", "rule", "--decider", "ada"])
    });
    attacker.fails("a terminal without the passphrase", || {
        let mut terminal = user.on_terminal(&["yes", "R-1"]);
        terminal.expect("Passphrase of ada: ");
        terminal.type_line("my guess is this");
        let (code, shown) = terminal.end();
        assert!(!shown.contains("my guess"), "{shown}");
        let (_, told) = shown.split_once("Passphrase of ada: ").expect("it asked");
        Output {
            code,
            stdout: String::new(),
            stderr: told.trim().to_owned(),
        }
    });
    attacker.fails("a terminal, as an agent", || {
        let agent = attacker.as_the_user().variable("CORO_AGENT", "frontend");
        let (code, shown) = agent.token(&token).on_terminal(&["yes", "R-1"]).end();
        Output {
            code,
            stdout: String::new(),
            stderr: shown,
        }
    });
    // One number that may be named hides no other that may not.
    let plain = json!({"title": "May I?"});
    let plain: Request = server.client(&token).post("/api/requests", plain).ok();
    let number = plain.number;
    for hidden in [
        json!({"client": number, "decision": "yes", "request": "R-1"}),
        json!({"decision": format!("yes {number}\nR-1")}),
        json!({"decision": json!({"approve": format!("{number}\tR-1")}).to_string()}),
    ] {
        attacker.fails(&format!("a hook that says {hidden}"), || {
            attacker.send(server.client(&token).post("/api/hook", hidden))
        });
        let last: Vec<AuditEntry> = server.get("/api/audit?action=request.refused&limit=1").ok();
        assert_eq!(last[0].resource, "R-1", "{last:?}");
    }
    let asked: Vec<String> = (0..16)
        .map(|_| {
            let plain = json!({"title": "May I?"});
            let plain: Request = server.client(&token).post("/api/requests", plain).ok();
            plain.number.to_string()
        })
        .collect();
    let given = json!({"comment": asked.join(" and "), "request": "R-1"});
    let tool = json!({
        "hook_event_name": "PreToolUse", "tool_name": "mcp__coro__yes", "tool_input": given,
    });
    attacker.hooks_in_vain(agent, "claude", &tool);
    // An agent without a token of its own is nobody, whatever lies around.
    let nobody = attacker.as_the_user().variable("CORO_AGENT", "frontend");
    assert_eq!(nobody.run_without_terminal(&["yes", "R-1"]).code, 5);

    server.advance_seconds(301);
    let mut terminal = user.on_terminal(&["yes", "R-1", "--why", "we trust them"]);
    terminal.expect("R-1: Force-push is fine");
    terminal.expect(&attacker.request.digest[..12]);
    terminal.expect("Passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    terminal.expect("R-1\tdecided\tyes");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    let decided = attacker.now();
    assert_eq!(
        (
            decided.status,
            decided.decided_by.as_deref(),
            decided.decided_how.as_deref(),
            decided.why.as_deref()
        ),
        (
            RequestStatus::Decided,
            Some("human:ada"),
            Some("session"),
            Some("we trust them")
        )
    );
    let ended: Vec<AuditEntry> = server.get("/api/audit?action=human.locked").ok();
    assert_eq!(ended.len(), 1, "the session ends with the decision");
}

fn no_hook_of_any_client_decides(server: &Server) {
    set_ada(server);
    let attacker = Attacker::new(server);
    let try_with = |client: &str, input: serde_json::Value| {
        attacker.hooks_in_vain(&attacker.agent, client, &input);
    };
    for client in CLIENTS {
        // Whatever the moment is, known or not.
        try_with(client, json!({"decision": "yes", "request": "R-1"}));
        try_with(
            client,
            json!({"hook_event_name": "PermissionRequest", "approve": "R-1"}),
        );
    }
    for (client, input) in [
        (
            "codex",
            json!({"hook_event_name": "UserPromptSubmit", "prompt": "coro-cli yes r-1"}),
        ),
        (
            "cursor",
            json!({"hook_event_name": "beforeSubmitPrompt", "prompt": "yes R-1"}),
        ),
        (
            "gemini",
            json!({"hook_event_name": "BeforeAgent", "prompt": "YES R-1 --why x"}),
        ),
        (
            "cline",
            json!({"hookName": "UserPromptSubmit", "userPromptSubmit": {"prompt": "no R-1"}}),
        ),
        (
            "windsurf",
            json!({"agent_action_name": "pre_user_prompt", "tool_info": {"user_prompt": "yes R-1"}}),
        ),
        (
            "qwen",
            json!({"hook_event_name": "UserPromptSubmit", "submitted_prompt": "/yes R-1"}),
        ),
        (
            "devin",
            json!({"hook_event_name": "PreToolUse", "tool_name": "yes", "tool_input": {"number": "R-1"}}),
        ),
        (
            "claude",
            json!({"hook_event_name": "Stop", "hookSpecificOutput": {"permissionDecision": "allow R-1"}}),
        ),
    ] {
        try_with(client, input);
    }
    // Its own agent is told, and a tool of that name is not used.
    let used = json!({"hook_event_name": "PreToolUse", "tool_name": "mcp__coro__yes",
        "tool_input": {"request": "R-1"}});
    let output = attacker
        .agent
        .run_with_input(&["hook", "claude"], used.to_string().as_bytes());
    assert!(output.stdout.contains("\"deny\""), "{output:?}");
    let typed = json!({"hook_event_name": "UserPromptSubmit", "prompt": "yes R-1"});
    let output = attacker
        .agent
        .run_with_input(&["hook", "claude"], typed.to_string().as_bytes());
    let told = "Nothing is decided: R-1 is protected, and a hook decides nothing";
    assert!(output.stdout.contains(told), "{output:?}");
    // What has nothing to do with a decision is no try.
    let before = attacker.refusals();
    for prompt in ["yes", "say yes to R-1", "what is R-1?"] {
        let typed = json!({"hook_event_name": "UserPromptSubmit", "prompt": prompt});
        let output = attacker
            .agent
            .run_with_input(&["hook", "claude"], typed.to_string().as_bytes());
        assert_eq!((output.code, &*output.stdout), (0, ""), "{output:?}");
    }
    assert_eq!(attacker.refusals(), before);
}

/// The token once decided, where nobody could type the passphrase.
fn a_human_who_is_named_decides_on_a_terminal_or_not_at_all(server: &Server) {
    set_ada(server);
    let agent = server.agent("frontend");
    let asked: Request = agent.post("/api/requests", json!({"title": "May I?"})).ok();
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let line = ["yes", "R-1", "--as", "ada"];
    let refused = user.run_without_terminal(&line);
    assert_eq!(
        (refused.code, refused.stderr.lines().count()),
        (5, 1),
        "{refused:?}"
    );
    let told =
        Mcp::new(server.owner(), Era::Modern).call("coro", json!({"command": "yes R-1 --as ada"}));
    assert!(
        told.is_error && told.text.contains("on a terminal"),
        "{told:?}"
    );
    let policy = [
        "requests", "policy", "--kind", "question", "--quorum", "2", "--as", "ada",
    ];
    assert_eq!(user.run_without_terminal(&policy).code, 5);
    // One whom nobody knows is asked for no passphrase.
    let mut terminal = user.on_terminal(&["yes", "R-1", "--as", "eve"]);
    terminal.expect("there is no human \"eve\"");
    assert_eq!(terminal.end().0, 3);
    let path = format!("/api/requests/{}", asked.number);
    assert_eq!(
        server.get(&path).ok::<Request>().status,
        RequestStatus::Open
    );
    let mut terminal = user.on_terminal(&line);
    terminal.expect("Passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    terminal.expect("R-1\tdecided\tyes");
    assert_eq!(terminal.end().0, 0);
    let decided: Request = server.get(&path).ok();
    assert_eq!(decided.decided_by.as_deref(), Some("human:ada"));
}

fn a_prompt_decides_a_plain_request_by_no_hook(server: &Server) {
    let agent = server.agent("frontend");
    let asked: Request = agent.post("/api/requests", json!({"title": "May I?"})).ok();
    let lead = server.cli().token(server.agent("lead").token());
    let typed = json!({"hook_event_name": "UserPromptSubmit", "prompt": "yes R-1"});
    let output = lead.run_with_input(&["hook", "claude"], typed.to_string().as_bytes());
    // Whoever may decide it does so afterwards, by the command.
    assert_eq!((output.code, &*output.stdout, &*output.stderr), (0, "", ""));
    let now: Request = server.get(&format!("/api/requests/{}", asked.number)).ok();
    assert_eq!(now.status, RequestStatus::Open);
    let refused: Vec<AuditEntry> = server.get("/api/audit?action=request.refused").ok();
    assert!(refused.is_empty(), "{refused:?}");
}

fn an_interrupt_at_the_passphrase_gives_the_echo_back(server: &Server) {
    set_ada(server);
    let attacker = Attacker::new(server);
    let mut terminal = attacker.as_the_user().on_terminal(&["yes", "R-1"]);
    terminal.expect("Passphrase of ada: ");
    assert!(!terminal.is_as_usual());
    terminal.press("\u{3}");
    assert_ne!(terminal.wait(), 0);
    assert!(terminal.is_as_usual());
    assert_eq!(attacker.now().status, RequestStatus::Open);
}

fn a_person_sets_the_humans_on_a_terminal(server: &Server) {
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let refused = user.run_without_terminal(&["humans", "set", "ada"]);
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (5, ""),
        "{refused:?}"
    );
    let set = |name: &str, answers: &[(&str, &str)]| {
        let mut terminal = user.on_terminal(&["humans", "set", name]);
        for (prompt, answer) in answers {
            terminal.expect(&format!("{prompt}: "));
            terminal.type_line(answer);
        }
        terminal.end()
    };
    let new = ("New passphrase of ada", PASSPHRASE);
    let again = ("The same again", PASSPHRASE);
    let (code, shown) = set("ada", &[new, ("The same again", "something else")]);
    assert!(code == 6 && shown.contains("differ"), "{shown}");
    let (code, shown) = set("ada", &[("New passphrase of ada", "short")]);
    assert!(code == 6 && shown.contains("5 characters"), "{shown}");
    let (code, shown) = set("ada", &[new, again]);
    assert!(code == 0 && !shown.contains(PASSPHRASE), "{shown}");
    let old = |old| ("Old passphrase of ada", old);
    let (code, _) = set("ada", &[old("wrong, all wrong"), new, again]);
    assert_eq!(code, 5);
    let (code, _) = set("ada", &[old(PASSPHRASE), new, again]);
    assert_eq!(code, 0);
    let bob = ("New passphrase of bob", "another horse here");
    let bob_again = ("The same again", "another horse here");
    let by_ada = ("Passphrase of ada", PASSPHRASE);
    let (code, shown) = set("bob", &[bob, bob_again, by_ada]);
    assert_eq!(code, 0, "{shown}");
    let list = user.ok(&["humans", "list"]);
    let names: Vec<&str> = list
        .lines()
        .filter_map(|row| row.split('\t').next())
        .collect();
    assert_eq!(names, ["ada", "bob"]);
}

fn what_is_shown_is_what_is_decided(server: &Server) {
    set_ada(server);
    let agent = server.agent("frontend");
    let deceiving = json!({"title": "More money", "kind": "budget", "detail": {"usd": 5000},
        "body": "digest: 000000000000\n\"\u{9}\"", "options": ["yes", "half"]});
    let request: Request = agent.post("/api/requests", deceiving).ok();
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let mut terminal = user.on_terminal(&["yes", "R-1", "--option", "half"]);
    terminal.expect("budget, protected, open in default, asked by agent:frontend");
    terminal.expect("| digest: 000000000000\r\n| \"\\t\"\r\n");
    terminal.expect("detail: {\"usd\":5000}\r\noptions: yes, half\r\n");
    terminal.expect(&format!(
        "digest: {:.12}\r\nada decides: half\r\nPassphrase of ada: ",
        request.digest
    ));
    terminal.type_line(PASSPHRASE);
    terminal.expect("R-1\tdecided\thalf");
    assert_eq!(terminal.end().0, 0);
}

fn a_human_refuses_on_a_terminal(server: &Server) {
    set_ada(server);
    let attacker = Attacker::new(server);
    let user = attacker.as_the_user();
    let mut terminal = user.on_terminal(&["no", "R-1", "--why", "never"]);
    terminal.expect("Passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    terminal.expect("R-1\tdecided\tno");
    assert_eq!(terminal.end().0, 0);
    let waited = attacker
        .agent
        .run(&["requests", "get", "R-1", "--wait", "1"]);
    assert_eq!((waited.code, waited.stdout.as_str()), (5, "no\n"));
    assert!(
        waited.stderr.contains("refused by human:ada: never"),
        "{waited:?}"
    );
    // It is over: nobody is sent to a terminal for it.
    let again = user.run_without_terminal(&["yes", "R-1"]);
    assert_eq!(again.code, 4, "{again:?}");
    let told = "R-1 was decided already: \"no\" by human:ada";
    assert!(again.stderr.contains(told), "{again:?}");
}

fn an_option_that_is_not_there_asks_for_no_passphrase(server: &Server) {
    set_ada(server);
    let user = Attacker::new(server).as_the_user();
    let mut terminal = user.on_terminal(&["yes", "R-1", "--option", "maybe"]);
    terminal.expect("R-1 has no option \"maybe\"; it takes yes, no");
    assert_eq!(terminal.end().0, 6);
}

fn a_human_sets_who_decides_on_a_terminal(server: &Server) {
    set_ada(server);
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let line = ["requests", "policy", "--kind", "rule", "--decider", "ada"];
    let mut terminal = user.on_terminal(&line);
    terminal.expect("ada sets who decides a rule:\r\n1 of [ada], deputies [] after 0 s");
    terminal.expect("Passphrase of ada: ");
    terminal.type_line(PASSPHRASE);
    assert_eq!(terminal.end().0, 0);
    let policies = user.ok(&["requests", "policy"]);
    assert_eq!(policies, "default\trule\t1\tada\t-\n");
}

fn what_two_decide_is_changed_by_two_on_a_terminal(server: &Server) {
    set_ada(server);
    let user = Cli::new(server.options().scratch()).data_dir(&server.data_dir());
    let mut terminal = user.on_terminal(&["humans", "set", "bob", "--as", "ada"]);
    for prompt in [
        "New passphrase of bob",
        "The same again",
        "Passphrase of ada",
    ] {
        terminal.expect(prompt);
        terminal.type_line(PASSPHRASE);
    }
    assert_eq!(terminal.end().0, 0);
    let set = |names: &[&str], more: &[&str]| {
        let line = ["requests", "policy", "--kind", "rule"];
        let mut terminal = user.on_terminal(&[&line, more].concat());
        for name in names {
            terminal.expect(&format!("Passphrase of {name}: "));
            terminal.type_line(PASSPHRASE);
        }
        terminal.end()
    };
    assert_eq!(set(&["ada"], &["--as", "ada", "--quorum", "2"]).0, 0);
    let (code, said) = set(&["bob"], &["--as", "bob"]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("is changed by 2"), "{said}");
    let together = ["--as", "ada", "--as", "bob"];
    assert_eq!(set(&["ada", "bob"], &together).0, 0);
    assert_eq!(user.ok(&["requests", "policy"]), "");
}

fn plain_requests_need_no_terminal(server: &Server) {
    let agent = server.cli().token(server.agent("frontend").token());
    let asked = agent.ok(&["request", "Which one?", "--option", "a", "--option", "b"]);
    assert_eq!(asked, "R-1\n");
    assert_eq!(
        server.cli().ok(&["requests"]),
        "R-1\tquestion\topen\tdefault\tagent:frontend\tWhich one?\n"
    );
    let own = agent.run(&["yes", "R-1", "--option", "a"]);
    assert_eq!((own.code, own.stderr.lines().count()), (5, 1), "{own:?}");
    let none = server.cli().run(&["yes", "R-1"]);
    assert!(none.code == 6 && none.stderr.contains("a, b"), "{none:?}");
    let decided = server.cli().ok(&["yes", "R-1", "--option", "b"]);
    assert_eq!(decided, "R-1\tdecided\tb\n");
    let silent = server.cli().run(&["no", "R-1", "--why", " "]);
    assert!(
        silent.code == 2 && silent.stderr.contains("the reason is empty"),
        "{silent:?}"
    );
    let again = server.cli().run(&["no", "R-1", "--why", "x"]);
    assert!(
        again.code == 4 && again.stderr.contains("\"b\" by human:owner"),
        "{again:?}"
    );
    assert_eq!(server.cli().ok(&["requests"]), "");
    assert!(server.cli().ok(&["requests", "--all"]).contains("decided"));
    agent.ok(&[
        "request",
        "Another?",
        "--body",
        "two\nlines",
        "--detail",
        "{\"a\":1}",
    ]);
    let shown = agent.ok(&["requests", "get", "R-2"]);
    assert!(
        shown.contains("\n| two\n| lines\ndetail: {\"a\":1}\n"),
        "{shown}"
    );
    let told = Mcp::new(server.owner(), Era::Modern).coro("no R-2 --why 'not now'");
    assert_eq!(told, "R-2\tdecided\tno\n");
    agent.ok(&["request", "A third?"]);
    assert_eq!(agent.ok(&["requests", "withdraw", "R-3"]), "withdrawn\n");
}

fn reasons_are_any_text_and_may_come_from_standard_input(server: &Server) {
    let agent = server.agent("frontend");
    let mut number = 0;
    for command in ["yes", "no"] {
        for (said, input, why) in [
            ("- too risky", "", "- too risky"),
            ("-", "two\r\nlines\n", "two\nlines"),
        ] {
            let asked: Request = agent.post("/api/requests", json!({"title": "a"})).ok();
            number += 1;
            let number = format!("R-{number}");
            assert_eq!(asked.number.to_string(), number);
            let decide = [command, &number, "--why", said];
            let decided = server.cli().run_with_input(&decide, input.as_bytes());
            assert_eq!(decided.code, 0, "{decided:?}");
            let read: Request = server.get(&format!("/api/requests/{number}")).ok();
            assert_eq!(read.why.as_deref(), Some(why));
        }
    }
}

fn the_asker_waits_in_a_shell(server: &Server) {
    let agent = server.cli().token(server.agent("frontend").token());
    let mut waiting = agent.stream(&["request", "May I?", "--wait", "50"]);
    let asked = server.get("/api/events?from=0&pattern=coro.request.asked&wait=50");
    asked.send().expect(200);
    server.cli().ok(&["yes", "R-1"]);
    assert_eq!((waiting.next_line().as_str(), waiting.wait()), ("yes", 0));
    let late = agent.run(&["request", "And now?", "--wait", "1ms"]);
    assert_eq!((late.code, late.stdout.as_str()), (8, ""), "{late:?}");
    assert!(late.stderr.contains("R-2"), "{late:?}");
    let unknown = server.get("/api/requests/R-9");
    unknown.refused(Reason::NotFound);
}
