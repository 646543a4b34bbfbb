use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[test]
fn each_setting_comes_from_the_first_layer_that_has_it() {
    let home = Home::new();
    let mut env = home.environment();
    home.write(
        "data/coro/server.json",
        r#"{"url":"http://127.0.0.1:7","pid":1}"#,
    );
    home.write("data/coro/owner.token", "cor_owner\n");
    assert_eq!(decided(&env), (home.places(), Some("cor_owner".to_owned())));

    home.write(
        "config/coro/cli.json",
        r#"{"url":"http://127.0.0.1:6","token":"cor_user"}"#,
    );
    assert_eq!(
        decided(&env),
        ("http://127.0.0.1:6".to_owned(), Some("cor_user".to_owned()))
    );

    home.write(
        "work/.coro/cli.json",
        r#"{"url":"http://127.0.0.1:5","token":"cor_project"}"#,
    );
    assert_eq!(
        decided(&env),
        (
            "http://127.0.0.1:5".to_owned(),
            Some("cor_project".to_owned())
        )
    );

    home.write(
        "work/.coro/local/cli.json",
        r#"{"url":"http://127.0.0.1:7","token":"cor_own"}"#,
    );
    assert_eq!(
        decided(&env),
        ("http://127.0.0.1:7".to_owned(), Some("cor_own".to_owned()))
    );

    env.url = Some("http://127.0.0.1:4".to_owned());
    env.token = Some("cor_env".to_owned());
    assert_eq!(
        decided(&env),
        ("http://127.0.0.1:4".to_owned(), Some("cor_env".to_owned()))
    );

    home.write("token", "cor_file\n");
    let token_file = home.0.join("token");
    let settings = Settings::load(Some("http://127.0.0.1:3"), Some(&token_file), &env).unwrap();
    let target = resolve(settings, &env).unwrap();
    assert_eq!(
        shown(&target),
        ("http://127.0.0.1:3".to_owned(), Some("cor_file".to_owned()))
    );
    assert_eq!(target.places_from, Origin::Flag("--url"));
}

#[test]
fn a_repository_that_names_a_server_does_not_get_the_users_token() {
    let home = Home::new();
    let mut env = home.environment();
    home.write("data/coro/owner.token", "cor_owner");
    home.write("config/coro/cli.json", r#"{"token":"cor_user"}"#);
    home.write(
        "work/.coro/cli.json",
        r#"{"url":"https://elsewhere.example"}"#,
    );
    assert_eq!(decided(&env).1, None);

    env.token = Some("cor_env".to_owned());
    let error = refused(&env);
    assert!(
        error.contains("CORO_TOKEN is not sent to https://elsewhere.example"),
        "{error}"
    );
    assert!(error.contains("work/.coro/cli.json"), "{error}");

    env.token = None;
    home.write("token", "cor_file");
    let token_file = home.0.join("token");
    let target = find_target(None, Some(&token_file), &env).unwrap();
    let error = target.token().err().map(|error| error.to_string());
    let error = error.expect("it is refused");
    assert!(error.contains("--token-file is not sent to"), "{error}");
    let named = Some("https://elsewhere.example");
    let target = find_target(named, Some(&token_file), &env).unwrap();
    assert_eq!(shown(&target).1.as_deref(), Some("cor_file"));

    // A token that came with the address is its own to send.
    let named = r#"{"url":"https://elsewhere.example","token":"cor_theirs"}"#;
    home.write("work/.coro/cli.json", named);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_theirs"));
}

/// It was stored for the server of that time, and a commit may name another.
#[test]
fn the_token_of_a_project_goes_to_no_server_that_a_commit_names() {
    let home = Home::new();
    let env = home.environment();
    home.write("work/.coro/local/cli.json", r#"{"token":"cor_own"}"#);
    home.write("data/coro/server.json", r#"{"url":"http://127.0.0.1:7"}"#);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_own"));
    home.write("work/.coro/cli.json", r#"{"url":"http://127.0.0.1:7"}"#);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_own"));

    home.write("work/.coro/cli.json", r#"{"url":"https://evil.example"}"#);
    let error = refused(&env);
    assert!(
        error.contains("local/cli.json is not sent to https://evil.example"),
        "{error}"
    );
    // Nor where a repository has brought the local file, and the token was
    // written into it afterwards.
    home.write(
        "work/.coro/local/cli.json",
        r#"{"url":"https://evil.example","token":"cor_own"}"#,
    );
    let error = refused(&env);
    assert!(
        error.contains("is not sent to https://evil.example"),
        "{error}"
    );

    home.write(
        "config/coro/cli.json",
        r#"{"trusted":["https://evil.example"]}"#,
    );
    assert_eq!(decided(&env).1.as_deref(), Some("cor_own"));
}

#[test]
fn a_server_that_the_user_trusts_gets_their_token_wherever_it_is_named() {
    let home = Home::new();
    let mut env = home.environment();
    home.write(
        "work/.coro/cli.json",
        r#"{"url":"https://team.example:443/"}"#,
    );
    for file in [
        r#"{"trusted":["https://team.example"],"token":"cor_user"}"#,
        r#"{"url":"https://team.example","token":"cor_user"}"#,
    ] {
        home.write("config/coro/cli.json", file);
        env.token = None;
        assert_eq!(decided(&env).1.as_deref(), Some("cor_user"));
        env.token = Some("cor_env".to_owned());
        assert_eq!(decided(&env).1.as_deref(), Some("cor_env"));
    }

    home.write(
        "work/.coro/cli.json",
        r#"{"url":"https://evil.example","trusted":["https://evil.example"]}"#,
    );
    let error = refused(&env);
    assert!(error.contains("a repository can't say"), "{error}");
}

#[test]
fn the_owners_token_goes_to_the_local_server_only_and_never_to_an_agent() {
    let home = Home::new();
    let mut env = home.environment();
    home.write("data/coro/owner.token", "cor_owner");
    assert_eq!(decided(&env).1.as_deref(), Some("cor_owner"));

    env.url = Some("http://127.0.0.1:9800".to_owned());
    assert_eq!(
        decided(&env).1,
        None,
        "nothing says that the local server listens there"
    );
    home.write(
        "data/coro/server.json",
        r#"{"url":"http://127.0.0.1:9800"}"#,
    );
    assert_eq!(decided(&env).1.as_deref(), Some("cor_owner"));

    env.is_agent = true;
    assert_eq!(decided(&env).1, None);
}

#[test]
fn whoever_has_a_token_never_falls_back_to_the_owners() {
    let home = Home::new();
    let mut env = home.environment();
    home.write("data/coro/owner.token", "cor_owner");
    home.write("data/coro/server.json", r#"{"url":"http://127.0.0.1:7"}"#);
    home.write("work/.coro/local/cli.json", r#"{"token":"cor_agent"}"#);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_agent"));
    env.token = Some("cor_other".to_owned());
    assert_eq!(decided(&env).1.as_deref(), Some("cor_other"));

    // A repository may name the local server, which is the user's own; their
    // token is sent there, and the owner's not in its place.
    let home = Home::new();
    let mut env = home.environment();
    home.write("data/coro/owner.token", "cor_owner");
    home.write("data/coro/server.json", r#"{"url":"http://127.0.0.1:7"}"#);
    home.write("work/.coro/cli.json", r#"{"url":"http://127.0.0.1:7"}"#);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_owner"));
    home.write("config/coro/cli.json", r#"{"token":"cor_agent"}"#);
    assert_eq!(decided(&env).1.as_deref(), Some("cor_agent"));
    home.write("config/coro/cli.json", "{}");
    env.is_agent = true;
    assert_eq!(decided(&env).1, None);
}

#[test]
fn the_socket_can_be_elsewhere_or_off() {
    let home = Home::new();
    let mut env = home.environment();
    env.socket = Some("/run/other.sock".into());
    assert_eq!(decided(&env).0, "unix:/run/other.sock");
    env.socket = Some("off".into());
    assert_eq!(decided(&env).0, "http://127.0.0.1:9800");
}

#[test]
fn a_broken_file_is_named_with_its_line_and_stops_the_command() {
    let home = Home::new();
    let env = home.environment();
    let cases = [
        ("{\n\"url\": \"http://x\",\n}", ":3: "),
        (
            "{\n\n\"server\": \"http://x\"}",
            ":3: unknown field `server`",
        ),
        ("", ":1: "),
        ("{\"url\": \"x\"}", "\"x\" begins with none of"),
        ("{\"token\": \"cor_\\nX-Evil: 1\"}", "more than one word"),
    ];
    for (text, fault) in cases {
        home.write("work/.coro/cli.json", text);
        let Err(error) = Settings::load(None, None, &env) else {
            panic!("{text:?} was taken");
        };
        let message = error.to_string();
        assert!(
            message.contains("work/.coro/cli.json") && message.contains(fault),
            "{message}"
        );
        assert!(!message.contains("Evil"), "{message}");
    }
}

fn refused(env: &Environment) -> String {
    let settings = Settings::load(None, None, env);
    let target = settings.and_then(|settings| resolve(settings, env));
    match target.and_then(|target| target.token().map(|_| ())) {
        Ok(()) => panic!("it is not refused"),
        Err(error) => error.to_string(),
    }
}

fn decided(env: &Environment) -> (String, Option<String>) {
    let settings = Settings::load(None, None, env).unwrap();
    shown(&resolve(settings, env).unwrap())
}

fn shown(target: &Target) -> (String, Option<String>) {
    let places: Vec<String> = target.places.iter().map(Address::to_string).collect();
    let token = target.token().unwrap();
    (
        places.join(" "),
        token.map(|token| token.value.reveal().to_owned()),
    )
}

/// A folder with a home and a project in it, removed at the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Home {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "coro-cli-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        Home(std::env::temp_dir().join(name))
    }

    fn environment(&self) -> Environment {
        Environment {
            working_directory: self.0.join("work/deep/down"),
            config_home: Some(self.0.join("config")),
            data_home: Some(self.0.join("data")),
            ..Environment::default()
        }
    }

    fn places(&self) -> String {
        format!(
            "unix:{} http://127.0.0.1:7",
            self.0.join("data/coro/coro.sock").display()
        )
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
