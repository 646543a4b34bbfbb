//! What a test does with a page, and what it sees there.

use crate::{PATIENCE, npm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cdp::Connection;
use super::chromium::Chromium;

/// Finds what can be seen and used: `find('button', 'Pause')` is the first visible
/// element of a selector whose text, label or placeholder contains a text.
const FIND: &str = r"
window.__find = (selector, text) => [...document.querySelectorAll(selector)].find((one) => {
  const box = one.getBoundingClientRect();
  if (box.width === 0 || box.height === 0 || one.disabled) return false;
  const said = [one.textContent, one.getAttribute('aria-label'), one.getAttribute('placeholder'), one.value].join('\n');
  return said.includes(text);
});";

/// The usual size of the window, in CSS pixels.
const WIDTH: u32 = 1440;
const HEIGHT: u32 = 900;

/// A page of a browser. The browser ends with it.
#[derive(Debug)]
pub struct Page {
    connection: Connection,
    browser: Option<Chromium>,
}

impl Page {
    /// An empty page; none where there is no browser.
    pub fn new() -> Option<Page> {
        Page::with_arguments(&[])
    }

    /// As [`Page::new`], with arguments of Chromium's command line.
    pub fn with_arguments(args: &[&str]) -> Option<Page> {
        let browser = Chromium::start(args)?;
        let connection = Connection::open(&browser.url);
        Some(Page::with(connection, Some(browser)))
    }

    /// Another tab of the same browser; ends before it.
    pub fn tab(&mut self) -> Page {
        let browser = self.browser.as_ref().expect("the first tab has it");
        let connection = Connection::open_tab(&browser.url, &mut self.connection);
        Page::with(connection, None)
    }

    fn with(connection: Connection, browser: Option<Chromium>) -> Page {
        let mut page = Page {
            connection,
            browser,
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.send(&format!("{domain}.enable"), json!({}));
        }
        page.send(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": FIND }),
        );
        page.size(WIDTH, HEIGHT);
        page
    }

    #[track_caller]
    pub fn send(&mut self, method: &str, params: Value) -> Value {
        self.connection.send(method, params)
    }

    /// The size of the window, in CSS pixels.
    pub fn size(&mut self, width: u32, height: u32) {
        self.send(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// `light` or `dark`, as the system's setting says.
    pub fn theme(&mut self, theme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        self.send(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    #[track_caller]
    pub fn open(&mut self, url: &str) {
        let answer = self.send("Page.navigate", json!({ "url": url }));
        assert_eq!(answer.get("errorText"), None, "{url}");
        self.wait_for("document.readyState === 'complete'");
    }

    /// Goes to a URL of the page that is open, as a link does.
    #[track_caller]
    pub fn go(&mut self, path: &str) {
        self.eval(&format!(
            "(() => {{ const link = document.createElement('a'); link.href = {}; \
             document.body.append(link); link.click(); link.remove(); }})()",
            json!(path)
        ));
    }

    /// Lets this page's clock, from its next load on, be off by so much.
    pub fn clock_is_off(&mut self, seconds: i64) {
        let source = format!(
            "Date.now = ((now) => () => now() + {})(Date.now)",
            seconds * 1000
        );
        self.send(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": source }),
        );
    }

    /// Takes the network away from this page, or gives it back. A WebSocket
    /// that is open stays.
    pub fn offline(&mut self, offline: bool) {
        self.send(
            "Network.emulateNetworkConditions",
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}),
        );
    }

    /// Gives the browser an authenticator of its own, which says that it has
    /// verified the human, or that it could not. Gives its id.
    pub fn add_authenticator(&mut self, verifies: bool) -> String {
        self.send("WebAuthn.enable", json!({}));
        let options = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": verifies});
        let answer = self.send(
            "WebAuthn.addVirtualAuthenticator",
            json!({ "options": options }),
        );
        answer["authenticatorId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// What an expression gives; promises are waited for.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        self.try_eval(expression)
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    fn try_eval(&mut self, expression: &str) -> Result<Value, String> {
        let answer = self.connection.try_send(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        )?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(thrown.to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true. A hidden tab has timers, and no frames.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        let patience = PATIENCE.as_millis() / 2;
        let looking = format!(
            "new Promise((done, fail) => {{ const until = performance.now() + {patience}; \
             const look = () => {{ let found; try {{ found = {expression}; }} catch {{ found = false; }} \
             if (found) done(true); \
             else if (performance.now() > until) fail(new Error('never: ' + document.body.innerText.slice(0, 1500))); \
             else setTimeout(look, 10); }}; look(); }})"
        );
        // A page that is about to be replaced takes the promise with it.
        for _ in 0..3 {
            match self.try_eval(&looking) {
                Ok(_) => return,
                Err(error)
                    if error.contains("Inspected target navigated")
                        || error.contains("context") => {}
                Err(error) => panic!("{expression}: {error}"),
            }
        }
        panic!("{expression}: the page was replaced again and again");
    }

    /// Waits until a text can be seen.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        self.wait_for(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        ));
    }

    /// Waits until an element of a selector has a text.
    #[track_caller]
    pub fn finds(&mut self, selector: &str, text: &str) {
        self.wait_for(&found(selector, text));
    }

    /// Waits until an element of a selector has all of the texts and stands
    /// whole in the window: whoever looks has read them.
    #[track_caller]
    pub fn shows(&mut self, selector: &str, texts: &[&str]) {
        self.wait_for(&format!(
            "[...document.querySelectorAll({})].some((one) => {{ const box = one.getBoundingClientRect(); \
             return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth \
             && {}.every((text) => one.innerText.includes(text)); }})",
            json!(selector),
            json!(texts)
        ));
    }

    #[track_caller]
    pub fn misses(&mut self, selector: &str, text: &str) {
        self.wait_for(&format!("!{}", found(selector, text)));
    }

    /// Clicks where an element is, as a mouse does: what covers it gets it.
    #[track_caller]
    pub fn click(&mut self, selector: &str, text: &str) {
        self.finds(selector, text);
        let place = self.eval(&format!(
            "(() => {{ const one = {}; one.scrollIntoView({{block: 'nearest'}}); \
             const box = one.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            found(selector, text)
        ));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.send(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}),
            );
        }
    }

    /// Presses a key such as `Enter`, `j` or `Control+k`.
    pub fn press(&mut self, key: &str) {
        let (modifiers, key) = match key.split_once('+') {
            Some(("Control", key)) => (2, key),
            Some(("Shift", key)) => (8, key),
            _ => (0, key),
        };
        let text = match key {
            "Enter" => "\r",
            one if one.chars().count() == 1 && modifiers != 2 => one,
            _ => "",
        };
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowDown" => 40,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "End" => 35,
            "Home" => 36,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.send(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "text": text, "modifiers": modifiers,
                       "windowsVirtualKeyCode": code}),
            );
        }
    }

    pub fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            self.press(key);
        }
    }

    /// Types into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.send("Input.insertText", json!({ "text": text }));
    }

    /// Writes into a field, in place of what it has.
    #[track_caller]
    pub fn fill(&mut self, field: &str, text: &str) {
        self.finds(field, "");
        let field = json!(field);
        self.eval(&format!(
            "document.querySelector({field}).focus(), document.querySelector({field}).select()"
        ));
        self.write(text);
    }

    /// Chooses one of a field's options.
    #[track_caller]
    pub fn choose(&mut self, field: &str, option: &str) {
        self.finds(field, "");
        self.eval(&format!(
            "((one) => {{ one.value = {}; one.dispatchEvent(new Event('change', {{ bubbles: true }})); }})\
             (document.querySelector({}))",
            json!(option),
            json!(field)
        ));
    }

    /// The path and the query of the page's URL.
    pub fn at(&mut self) -> String {
        let at = self.eval("location.pathname + location.search + location.hash");
        at.as_str().unwrap_or_default().to_owned()
    }

    /// The paths of all pages of the dashboard, in the menu's order.
    #[track_caller]
    pub fn menu(&mut self) -> Vec<String> {
        self.finds(".side-nav a", "");
        let links =
            "[...document.querySelectorAll('.side-nav a')].map((one) => one.getAttribute('href'))";
        serde_json::from_value(self.eval(links)).expect("texts")
    }

    /// Keeps a picture of the page in `target/dashboard/`.
    pub fn screenshot(&mut self, name: &str) {
        let picture = self.picture();
        let folder = npm::target().join("dashboard");
        std::fs::create_dir_all(&folder).expect("a folder of target/");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("a file");
    }

    /// Keeps pictures for people: light, dark, and as wide as a phone.
    pub fn screenshots(&mut self, name: &str) {
        self.screenshot(&format!("{name}-light"));
        self.theme("dark");
        self.screenshot(&format!("{name}-dark"));
        self.theme("light");
        self.size(360, 740);
        self.screenshot(&format!("{name}-phone"));
        self.size(WIDTH, HEIGHT);
    }

    /// What the window shows, as a PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        // Two frames: what has just changed is drawn then.
        self.eval(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
        );
        let picture = self.send("Page.captureScreenshot", json!({"format": "png"}));
        let picture = picture["data"].as_str().expect("a picture");
        STANDARD.decode(picture).expect("base64")
    }

    /// Begins to record what the page is busy with.
    pub fn begin_trace(&mut self) {
        let categories = json!({"traceConfig": {"includedCategories": ["toplevel"]}});
        self.send("Tracing.start", categories);
    }

    /// The processor's time of the longest task of a page since
    /// [`Page::begin_trace`], in milliseconds.
    pub fn longest_task_ms(&mut self) -> f64 {
        self.send("Tracing.end", json!({}));
        let events = self.connection.traced();
        let pages = |event: &&Value| event["args"]["name"] == "CrRendererMain";
        let pages: Vec<_> = events.iter().filter(pages).map(thread_of).collect();
        let tasks = events.iter().filter(|event| {
            let name = event["name"].as_str().unwrap_or_default();
            name.ends_with("RunTask") && pages.contains(&thread_of(event))
        });
        let micros = tasks.filter_map(|event| event["tdur"].as_f64());
        micros.fold(0.0, f64::max) / 1000.0
    }

    /// What the page or the browser complained of: uncaught errors, violations
    /// of the content security policy, failed requests.
    pub fn complaints(&mut self) -> Vec<String> {
        // Whatever was told before this command's answer has arrived with it.
        self.eval("1");
        let told = std::mem::take(&mut self.connection.told);
        let complaint = |event: &Value| match event["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(event["params"]["exceptionDetails"].to_string()),
            "Log.entryAdded" if event["params"]["entry"]["level"] == "error" => {
                Some(event["params"]["entry"].to_string())
            }
            "Runtime.consoleAPICalled" if event["params"]["type"] == "error" => {
                Some(event["params"]["args"].to_string())
            }
            _ => None,
        };
        told.iter().filter_map(complaint).collect()
    }

    #[track_caller]
    pub fn assert_quiet(&mut self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// Process and thread of a recorded event.
fn thread_of(event: &Value) -> (Option<i64>, Option<i64>) {
    (event["pid"].as_i64(), event["tid"].as_i64())
}

fn found(selector: &str, text: &str) -> String {
    format!("__find({}, {})", json!(selector), json!(text))
}
