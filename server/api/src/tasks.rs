//! Wire types of tasks: units of work in a queue that any agent may claim.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::numbers::TaskNumber;
use crate::words::words;

/// Stands for the one task that the caller has claimed, where a path takes a
/// task's number.
pub const OWN: &str = "self";

words!(
    /// Where a task stands.
    TaskStatus {
        /// In the queue, perhaps waiting for other tasks.
        Open = "open",
        /// An agent works on it.
        Claimed = "claimed",
        Done = "done",
        /// Given up; reopening it brings it back.
        Failed = "failed",
        /// No longer wanted; reopening it brings it back.
        Cancelled = "cancelled",
    }
);

impl TaskStatus {
    /// Whether nobody will work on it any more.
    pub fn is_closed(self) -> bool {
        !matches!(self, TaskStatus::Open | TaskStatus::Claimed)
    }
}

/// A task to put into the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// What is to be done, in a line of at most 200 bytes.
    #[cfg_attr(feature = "openapi", schema(example = "Build the cart page"))]
    pub title: String,
    /// All that whoever does it must know, at most 64 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Default: the token's project, else that of the agent that calls, else
    /// `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "shop"))]
    pub project: Option<String>,
    /// 0, the most urgent, to 4; default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 4))]
    pub priority: Option<i64>,
    /// The name of the agent that it is for; without it any agent's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    /// What an agent must be able to do to get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Patterns of the paths that it changes; they are leased with the claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Tasks of the project that must be done before, such as `T-3`; with many
    /// at once also the `ref` of another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How often it may be begun before it has failed; default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub attempts_max: Option<i64>,
    /// With many at once: the name by which others of the same call depend on
    /// it.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Tasks to put into the queue together: all, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTasks {
    pub tasks: Vec<NewTask>,
}

/// A task that is in the queue now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedTask {
    pub id: TaskNumber,
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Tasks that are in the queue now, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedTasks {
    pub tasks: Vec<CreatedTask>,
}

/// What is to change of a task; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 4))]
    pub priority: Option<i64>,
    /// An empty name makes it any agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// Only while nobody has claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// All tasks that must be done before, in place of those of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<TaskNumber>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub attempts_max: Option<i64>,
}

/// Who works on a task, or did when it was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskClaim {
    /// The agent's name.
    pub agent: String,
    pub agent_id: String,
    /// The registration of the agent that has it.
    pub generation: i64,
    /// The fencing token: the revision of the claim. It grows with each claim
    /// of the task.
    pub fence: i64,
    pub claimed_at: String,
}

/// A task, as a list has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskItem {
    pub id: TaskNumber,
    pub project: String,
    pub title: String,
    pub status: TaskStatus,
    /// 0, the most urgent, to 4.
    pub priority: i64,
    /// Empty where any agent may have it.
    pub assignee: String,
    pub capabilities: Vec<String>,
    pub paths: Vec<String>,
    pub labels: Vec<String>,
    /// How many tasks that it depends on are not done.
    pub blockers: i64,
    /// Which attempt this is, from 1 on.
    pub attempt: i64,
    pub attempts_max: i64,
    /// Null while it is open.
    pub claim: Option<TaskClaim>,
    pub created_by: String,
    pub created_at: String,
    pub updated_at: String,
    /// Null until it is done, failed or cancelled.
    pub closed_at: Option<String>,
}

/// A task that another one depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskDependency {
    pub id: TaskNumber,
    pub title: String,
    pub status: TaskStatus,
    /// The beginning of its result, in a line.
    pub result: Option<String>,
}

/// How tasks wait for each other: open ones with what they wait for, or all
/// that leads to one task and away from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskGraph {
    /// In the order in which they were made.
    pub tasks: Vec<TaskNode>,
    /// Between those tasks.
    pub edges: Vec<TaskEdge>,
    /// How many tasks belong to it besides; at least so many where they have
    /// more than 20,000 dependencies.
    pub left_out: i64,
}

/// A task of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskNode {
    pub id: TaskNumber,
    pub project: String,
    pub title: String,
    pub status: TaskStatus,
    /// How many tasks that it depends on are not done.
    pub blockers: i64,
    /// The agent that has claimed it; null while it is open.
    pub claimed_by: Option<String>,
    /// The beginning of its result, in a line.
    pub result: Option<String>,
}

/// That a task depends on another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskEdge {
    pub task: TaskNumber,
    pub depends_on: TaskNumber,
}

/// What somebody has noted on a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskNote {
    pub at: String,
    /// Such as `agent:frontend`, or `system:coro`.
    pub actor: String,
    /// The attempt that it was noted in.
    pub attempt: i64,
    pub text: String,
}

/// A task with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    #[serde(flatten)]
    pub item: TaskItem,
    pub body: String,
    /// What was handed in with the last `done`, or why it has failed: JSON, or
    /// text as a JSON string.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub result: Option<Value>,
    pub depends_on: Vec<TaskDependency>,
    /// The oldest first.
    pub notes: Vec<TaskNote>,
}

/// Asks for work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NextRequest {
    /// Seconds to wait until there is some, at most 50.
    #[serde(default)]
    pub wait_seconds: u64,
}

/// The caller's work, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NextTask {
    /// Claimed for the caller; null where nothing is ready for it.
    pub task: Option<Task>,
    /// Whether the caller had it before.
    pub resumed: bool,
    /// Why there is no task, in a sentence.
    pub why: Option<String>,
}

/// A task that is handed in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskDone {
    /// JSON, or text as a JSON string; at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub result: Option<Value>,
    /// Refused where the claim is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<i64>,
}

/// A task that could not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskFailed {
    /// The reason, for whoever tries it next.
    pub why: String,
    /// Put it back into the queue while attempts last.
    #[serde(default)]
    pub retry: bool,
    /// Refused where the claim is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<i64>,
}

/// A task that is given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskReleased {
    /// A note for whoever takes it next.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Refused where the claim is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<i64>,
}

/// A note on a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTaskNote {
    /// At most 4 KiB.
    pub text: String,
    /// Refused where the claim is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<i64>,
}

/// Why somebody cancels or reopens a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskReason {
    /// Noted on the task.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Tasks to close together: all, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CloseTasks {
    /// Those that are closed already stay as they are.
    pub tasks: Vec<TaskNumber>,
    /// What they are then: `cancelled` (the default) or `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TaskStatus>,
    /// Noted on each task.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Tasks that are closed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClosedTasks {
    /// Those that were not closed before.
    pub closed: Vec<TaskNumber>,
}

/// Why a task stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskWhy {
    pub id: TaskNumber,
    pub status: TaskStatus,
    /// Whether an agent could claim it now.
    pub ready: bool,
    /// One sentence.
    pub why: String,
}
