//! The demo on the page, as a newcomer has it: each question is answered within
//! two clicks, and every page says that it is made up. README's picture is of
//! it.

use coro_api::events::Event;
use coro_tests::browser::{Page, Visit};
use coro_tests::{Demo, repository};
use serde_json::{Value, json};

/// The most clicks that an answer takes.
const CLICKS_MAX: usize = 2;

/// A question as docs/dashboard.md asks it, what is clicked from the first page
/// on, and what is then in sight: selectors, and the texts that belong together.
struct Question {
    asks: &'static str,
    clicks: &'static [&'static str],
    answers: &'static [(&'static str, &'static [&'static str])],
}

const QUESTIONS: &[Question] = &[
    Question {
        asks: "who works on what",
        clicks: &[],
        answers: &[
            (
                ".card-list li",
                &["frontend", "T-4", "Build the checkout page"],
            ),
            (
                ".card-list li",
                &["docs", "T-11", "Explain returns and refunds"],
            ),
            (".card-list li", &["backend", "nothing is ready for me"]),
            (".card-list li", &["lead", "plan the launch of the shop"]),
        ],
    },
    Question {
        asks: "what waits for you",
        clicks: &[],
        answers: &[
            (
                ".request-head",
                &["R-2", "Launch on Thursday or on Monday?", "question"],
            ),
            (
                ".request-head",
                &["R-3", "Add the table `cart`", "lease override"],
            ),
            (".request-inside .decide", &["Thursday", "Monday"]),
        ],
    },
    Question {
        asks: "why T-9 is not ready",
        clicks: &["Tasks", "T-9"],
        answers: &[
            (
                ".why",
                &["T-9 waits for T-4 (claimed by frontend) and 1 more"],
            ),
            (
                ".graph li",
                &["T-4", "claimed", "Build the checkout page", "frontend"],
            ),
            (
                ".graph li",
                &["T-5", "ready", "Connect the payment provider"],
            ),
        ],
    },
    Question {
        asks: "who changed `shop/api/cart`, and what it said before",
        clicks: &["State", "cart"],
        answers: &[
            (".detail .bar", &["v2 → v3", "frontend"]),
            (".diff-removed", &["\"item\": \"text\""]),
            (".diff-added", &["\"item\": 7"]),
        ],
    },
];

/// Somebody who looks at the demo. The page is dropped before the demo.
struct Visitor {
    page: Page,
    demo: Demo,
    url: String,
}

impl Visitor {
    /// Signed in with the code that was printed, after the story's hour.
    fn after_the_hour() -> Option<Visitor> {
        let page = Page::new()?;
        let mut demo = Demo::start("max");
        let address = demo.address();
        let (url, _) = address.split_once("/#code=").expect("an address");
        let url = url.to_owned();
        let mut visitor = Visitor { page, demo, url };
        // The code is good for a minute, and the hour may take longer.
        visitor.page.open(&address);
        visitor.page.finds(".live", "Live");
        visitor.demo.wait_for_the_hour();
        Some(visitor)
    }

    fn go_to_the_first_page(&mut self) {
        self.page.open(&self.url.clone());
        self.page.finds(".live", "Live");
    }

    #[track_caller]
    fn picture_of_now(&mut self, theme: &str) -> Vec<u8> {
        let (width, height) = PICTURE_SIZE;
        self.page.size(width, height);
        self.page.theme(theme);
        self.go_to_the_first_page();
        self.page.finds(".request-inside .decide", "Monday");
        self.page.picture()
    }

    /// Asks, clicks, and has the answer before the eyes.
    #[track_caller]
    fn ask(&mut self, question: &Question) {
        assert!(question.clicks.len() <= CLICKS_MAX, "{}", question.asks);
        self.go_to_the_first_page();
        for text in question.clicks {
            self.page.click(".side-nav a, main a, [role=row]", text);
        }
        for (selector, texts) in question.answers {
            self.page.shows(selector, texts);
        }
    }
}

#[test]
fn each_question_is_answered_within_two_clicks() {
    let Some(mut visitor) = Visitor::after_the_hour() else {
        return;
    };
    for (at, question) in QUESTIONS.iter().enumerate() {
        visitor.ask(question);
        visitor.page.screenshot(&format!("demo-{}-light", at + 1));
    }
    visitor.page.assert_quiet();
}

#[test]
fn the_docs_name_the_clicks() {
    let text = read("docs/dashboard.md");
    for question in QUESTIONS {
        let row = format!("| {} | ", question.asks);
        let (_, rest) = text.split_once(&row).expect(question.asks);
        let (clicks, _) = rest.split_once(" | ").expect("a second column");
        let clicks: Vec<&str> = clicks.split("**").skip(1).step_by(2).collect();
        assert_eq!(clicks, question.clicks, "{}", question.asks);
    }
}

#[test]
fn each_page_says_that_it_is_a_demo() {
    let (Some(mut visitor), Some(mut visit)) = (Visitor::after_the_hour(), Visit::start()) else {
        return;
    };
    let pages = visitor.page.menu();
    assert_eq!(pages, visit.page.menu());
    let folders = std::fs::read_dir(repository().join("dashboard/pages")).expect("a folder");
    let folders = folders.flatten().filter(|entry| entry.path().is_dir());
    assert_eq!(pages.len(), folders.count(), "{pages:?}");
    for path in &pages {
        visitor.page.open(&format!("{}{path}", visitor.url));
        visitor.page.finds("main h1", "");
        visitor.page.shows("main .demo", &["This is a demo"]);
        visit.page.open(&format!("{}{path}", visit.url));
        visit.page.finds("main h1", "");
        assert_eq!(
            visit.page.eval("document.querySelector('.demo')"),
            Value::Null,
            "{path}"
        );
    }
}

/// README's pictures: their themes, files, and size in pixels.
const PICTURES: [(&str, &str); 2] = [
    ("light", "docs/images/now-light.png"),
    ("dark", "docs/images/now-dark.png"),
];
const PICTURE_SIZE: (u32, u32) = (1280, 760);

/// A picture is loaded with the page of the project, so it is small.
const PICTURE_BYTES_MAX: usize = 200_000;

/// Texts of Now that have no room: with the fonts of whoever makes the pictures
/// there are none.
const CUT: &str = "[...document.querySelectorAll('.now .grow')] \
     .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)";

/// They are made again with
/// `cargo test -p coro-tests --test browser reference -- --ignored`.
#[test]
fn the_readme_shows_the_first_page() {
    let readme = read("README.md");
    let (first_screen, _) = readme.split_once("\n## ").expect("a second heading");
    assert!(first_screen.contains("<img alt=\"The page Now"));
    for (_, file) in PICTURES {
        assert!(first_screen.contains(&format!("=\"{file}\"")), "{file}");
        let picture = std::fs::read(repository().join(file));
        assert_is_good(&picture.unwrap_or_else(|error| panic!("{file}: {error}")));
    }
    let Some(mut visitor) = Visitor::after_the_hour() else {
        return;
    };
    for (theme, _) in PICTURES {
        assert_is_good(&visitor.picture_of_now(theme));
        visitor.page.screenshot(&format!("readme-{theme}"));
    }
}

#[test]
#[ignore = "writes docs/images"]
fn write_the_reference_of_the_pictures() {
    let mut visitor = Visitor::after_the_hour().expect("Chromium takes the pictures");
    // One agent has said nothing for a while by then.
    let is_docs = |event: &Event| event.data["name"] == "docs";
    visitor.demo.wait_for("coro.agent.stale", is_docs);
    for (theme, file) in PICTURES {
        let picture = visitor.picture_of_now(theme);
        assert_is_good(&picture);
        assert_eq!(visitor.page.eval(CUT), json!([]), "{theme}");
        let path = repository().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the docs take a folder");
        std::fs::write(path, picture).expect("the docs take a file");
    }
}

/// A PNG of the right size, by its first chunk.
#[track_caller]
fn assert_is_good(picture: &[u8]) {
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| {
        let bytes = picture[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes)
    };
    assert_eq!((number(16), number(20)), PICTURE_SIZE);
    assert!(
        picture.len() <= PICTURE_BYTES_MAX,
        "{} bytes",
        picture.len()
    );
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect("a document")
}
