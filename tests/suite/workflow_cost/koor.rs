//! The same feature with Koor: what its rule files make a controller and two
//! agents say, and what Koor would answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Step, Who, Words, shell_call, tool_call};

/// What Koor gives an agent, and what it calls a hash.
const ID: &str = "5b1c7a52-8f0e-4a58-9d0c-7f6f2f1f6f0a";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// How Koor prints every time (fault B1 of our list).
const TIME: &str = "0001-01-01T00:00:00Z";

/// What was asked, counted as it goes.
#[derive(Default)]
struct Koor {
    steps: Vec<Step>,
    words: Words,
    /// Topic, and the event as Koor prints it; the oldest first.
    events: Vec<(String, String)>,
    /// The task of an agent, with its version.
    tasks: BTreeMap<&'static str, (u32, String)>,
}

/// The flow, and how often a person typed a word in it.
pub(super) fn flow() -> (Vec<Step>, Words) {
    let mut koor = Koor::default();
    koor.plan();
    koor.begin();
    koor.ask_the_other();
    koor.let_the_lead_decide();
    koor.hand_over();
    koor.see_how_it_stands();
    (koor.steps, koor.words)
}

/// The steps, under the headings of the page.
impl Koor {
    fn plan(&mut self) {
        self.step("Plan");
        self.person_types(Who::Lead);
        self.register(Who::Lead, "controller");
        self.history(Who::Lead, 20, "shop.*");
        let task = "Serve GET /cart/total. Sum of the items; prices are in cents.";
        self.assign("backend", task);
        self.assign("frontend", "Lay out the cart page");
    }

    fn begin(&mut self) {
        self.step("Begin");
        for (who, stack) in [(Who::Backend, "go-api"), (Who::Frontend, "react")] {
            self.person_types(who);
            self.register(who, stack);
            self.check(who, "shop.controller.*");
        }
    }

    /// Message and ask in one, since each takes a person to three windows.
    fn ask_the_other(&mut self) {
        self.step("Ask the other agent");
        let need = "the currency in the total; tell me which fields it will have";
        self.request(Who::Frontend, need, "the cart shows the total", "backend");
        self.approve(
            "Serve GET /cart/total with a currency; say which fields it has. Prices are in cents.",
            &json!({"agent": "backend", "need": "currency and fields of the total"}),
        );
        self.next(Who::Backend);
        self.done(Who::Backend, "fields of the total", "cents, currency");
        // Its own rules have it look at the controller's events only.
        self.person_types(Who::Frontend);
        self.check(Who::Frontend, "shop.*");
    }

    fn let_the_lead_decide(&mut self) {
        self.step("Let the lead decide");
        let need = "Round half up, or half to even?";
        self.request(Who::Backend, need, "the total has fractions", "controller");
        self.approve(
            "Serve GET /cart/total with a currency, rounded half to even. Prices are in cents.",
            &json!({"agent": "backend", "decision": "half to even, as the tax office does"}),
        );
        self.next(Who::Backend);
    }

    fn hand_over(&mut self) {
        self.step("Hand over");
        let place = "web/cart.tsx has a place for the total";
        self.done(Who::Frontend, "layout of the cart page", place);
        self.set_intent(Who::Frontend, "wait for the API");
        let answer =
            "answers {\"cents\": 1990, \"currency\": \"EUR\"}, rounded half to even".to_owned();
        self.done(Who::Backend, "GET /cart/total", &answer);
        self.set_intent(Who::Backend, "wait for a task");
        self.person_types(Who::Lead);
        self.history(Who::Lead, 20, "shop.*");
        let task = format!("Show the total in the cart. GET /cart/total {answer}");
        self.assign("frontend", &task);
        self.next(Who::Frontend);
    }

    fn see_how_it_stands(&mut self) {
        self.step("See how it stands");
        self.person_types(Who::Lead);
        self.discover(Who::Lead);
        for agent in ["frontend", "backend"] {
            self.read_task(Who::Lead, agent);
        }
        self.history(Who::Lead, 20, "shop.*");
        let summary = "the cart shows the total";
        self.done(Who::Frontend, "total in the cart", summary);
        self.set_intent(Who::Frontend, "wait for a task");
    }
}

/// What the rule files say to do.
impl Koor {
    fn assign(&mut self, agent: &'static str, task: &str) {
        self.write_task(agent, task);
        let data = json!({"agent": agent, "task": task});
        self.publish(Who::Lead, "controller.assigned", &data);
    }

    fn next(&mut self, who: Who) {
        self.person_types(who);
        self.check(who, "shop.controller.*");
    }

    fn check(&mut self, who: Who, topic: &str) {
        self.read_task(who, name(who));
        self.history(who, 10, topic);
    }

    fn request(&mut self, who: Who, need: &str, reason: &str, from: &str) {
        let data = json!({"need": need, "reason": reason, "from": from});
        self.publish(who, &format!("{}.request", name(who)), &data);
    }

    /// `check requests`, and `yes`.
    fn approve(&mut self, task: &str, data: &Value) {
        self.person_types(Who::Lead);
        self.history(Who::Lead, 20, "shop.*.request");
        self.person_types(Who::Lead);
        self.write_task("backend", task);
        self.publish(Who::Lead, "controller.approved", data);
    }

    fn done(&mut self, who: Who, feature: &str, summary: &str) {
        let data = json!({"feature": feature, "summary": summary});
        self.publish(who, &format!("{}.done", name(who)), &data);
    }
}

/// The calls, and what Koor answers.
impl Koor {
    fn step(&mut self, name: &str) {
        self.steps.push(Step::named(name));
    }

    fn person_types(&mut self, who: Who) {
        match who {
            Who::Lead => self.words.lead += 1,
            Who::Frontend | Who::Backend => self.words.agents += 1,
        }
    }

    fn shell(&mut self, who: Who, arguments: &str, read: &str) {
        let written = shell_call(&format!("./koor-cli {arguments}"));
        let step = self.steps.last_mut().expect("a step has begun");
        step.of(who).add(&written, read);
    }

    /// A tool answers with indented JSON.
    fn tool(&mut self, who: Who, tool: &str, arguments: &Value, read: &Value) {
        let read = serde_json::to_string_pretty(read).expect("JSON");
        let step = self.steps.last_mut().expect("a step has begun");
        step.of(who).add(&tool_call(tool, arguments), &read);
    }

    fn register(&mut self, who: Who, stack: &str) {
        let name = format!("shop-{}", name(who));
        let message =
            format!("Registered (status: pending). Activate via CLI: ./koor-cli activate {ID}");
        let answer = json!({
            "instance_id": ID, "token": ID, "name": name, "workspace": "", "intent": "",
            "stack": stack, "capabilities": [], "status": "pending", "registered_at": TIME,
            "message": message,
        });
        let arguments = json!({"name": name, "stack": stack});
        self.tool(who, "register_instance", &arguments, &answer);
        let answer = json!({"id": ID, "status": "active"});
        self.shell(who, &format!("activate {ID}"), &answer.to_string());
    }

    fn set_intent(&mut self, who: Who, intent: &str) {
        let answer = json!({
            "instance_id": ID, "intent": intent, "message": "Intent updated successfully.",
        });
        let arguments = json!({"instance_id": ID, "intent": intent});
        self.tool(who, "set_intent", &arguments, &answer);
    }

    fn discover(&mut self, who: Who) {
        let all = [
            (Who::Frontend, "wait for the API"),
            (Who::Backend, "wait for a task"),
            (Who::Lead, ""),
        ];
        let instances = all.map(|(who, intent)| {
            json!({
                "id": ID, "name": format!("shop-{}", name(who)), "workspace": "",
                "intent": intent, "stack": "react", "capabilities": [], "status": "active",
                "registered_at": TIME, "last_seen": TIME,
            })
        });
        let answer = json!({"count": instances.len(), "instances": instances});
        self.tool(who, "discover_instances", &json!({}), &answer);
    }

    fn write_task(&mut self, agent: &'static str, task: &str) {
        let value = json!({"task": task, "priority": "high"}).to_string();
        let version = self.tasks.get(agent).map_or(1, |(version, _)| version + 1);
        let key = format!("shop/{agent}-task");
        let answer = json!({
            "key": key, "version": version, "hash": HASH,
            "content_type": "application/json", "updated_at": TIME,
        });
        self.shell(
            Who::Lead,
            &format!("state set {key} --data '{value}'"),
            &answer.to_string(),
        );
        self.tasks.insert(agent, (version, value));
    }

    fn read_task(&mut self, who: Who, agent: &str) {
        let (_, value) = self.tasks[agent].clone();
        self.shell(who, &format!("state get shop/{agent}-task"), &value);
    }

    fn publish(&mut self, who: Who, topic: &str, data: &Value) {
        let topic = format!("shop.{topic}");
        let id = self.events.len() + 1;
        let event = format!(
            r#"{{"id":{id},"topic":"{topic}","data":{data},"source":"","created_at":"{TIME}"}}"#
        );
        let line = format!("events publish {topic} --data '{data}'");
        self.shell(who, &line, &event);
        self.events.push((topic, event));
    }

    /// The newest first.
    fn history(&mut self, who: Who, last: usize, pattern: &str) {
        let (before, after) = pattern.split_once('*').expect("a pattern with one star");
        let events = self.events.iter().rev();
        let fitting = events
            .filter(|(topic, _)| topic.starts_with(before) && topic.ends_with(after))
            .take(last)
            .map(|(_, event)| event.as_str());
        let answer = format!("[{}]", fitting.collect::<Vec<_>>().join(","));
        let line = format!("events history --last {last} --topic \"{pattern}\"");
        self.shell(who, &line, &answer);
    }
}

fn name(who: Who) -> &'static str {
    match who {
        Who::Frontend => "frontend",
        Who::Backend => "backend",
        Who::Lead => "controller",
    }
}
