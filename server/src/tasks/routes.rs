//! HTTP of tasks.

use axum::response::Response;
use coro_api::limits::TASK_GRAPH_MAX;
use coro_api::numbers::TaskNumber;
use coro_api::tasks::{
    CloseTasks, ClosedTasks, CreatedTasks, NewTask, NewTaskNote, NewTasks, NextRequest, NextTask,
    Task, TaskChange, TaskDone, TaskFailed, TaskGraph, TaskItem, TaskReason, TaskReleased,
    TaskStatus, TaskWhy,
};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    GraphFilter, TaskFilter, add_note, cancel_task, claim_task, close_tasks, create_task,
    create_tasks, edit_task, fail_task, finish_task, get_task, graph_tasks, list_tasks, next_task,
    release_task, reopen_task, why_task,
};
use crate::app::App;
use crate::auth::{Reader, Writer};
use crate::error::{Result, invalid};
use crate::http::extract::{Json, NoQuery, Path, Query};
use crate::http::page::{Rows, bound, check_limit_of, json_at};

/// How many tasks a graph has where the call names no limit.
const GRAPH_TASKS: i64 = 200;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_many))
        .routes(routes!(next))
        .routes(routes!(close))
        .routes(routes!(graph))
        .routes(routes!(get, edit))
        .routes(routes!(why))
        .routes(routes!(claim))
        .routes(routes!(done))
        .routes(routes!(fail))
        .routes(routes!(release))
        .routes(routes!(note))
        .routes(routes!(cancel))
        .routes(routes!(reopen))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    project: Option<String>,
    status: Option<String>,
    assignee: Option<String>,
    label: Option<String>,
    claimed_by: Option<String>,
    ready: Option<bool>,
    depends_on: Option<String>,
    closed: Option<bool>,
    limit: Option<i64>,
    cursor: Option<i64>,
}

/// List tasks
///
/// In the order in which they were made; without their bodies and notes. Each
/// filter that is given must hold.
#[utoipa::path(get, path = "/api/tasks", operation_id = "list_tasks", tag = "tasks",
    params(
        ("project" = Option<String>, Query, description = "Their project"),
        ("status" = Option<String>, Query, description = "Their status: open, claimed, done, failed or cancelled"),
        ("assignee" = Option<String>, Query, description = "The agent that they are for; empty for anybody's"),
        ("label" = Option<String>, Query, description = "One of their labels"),
        ("claimed_by" = Option<String>, Query, description = "The agent that works on them now"),
        ("ready" = Option<bool>, Query, description = "true: only open ones that wait for no other"),
        ("depends_on" = Option<String>, Query, description = "Only those that depend on this task", example = "T-1"),
        ("closed" = Option<bool>, Query, description = "true: only those that are done, failed or cancelled; false: only others"),
        ("limit" = Option<i64>, Query, description = "Tasks at most; without it the list is whole, or an error", minimum = 1, maximum = 10000),
        ("cursor" = Option<i64>, Query, description = "Where the page before ended, from its Link", minimum = 0),
    ),
    responses((status = 200, description = "The tasks", body = Vec<TaskItem>)))]
async fn list(Reader(ctx): Reader, Query(query): Query<ListQuery>) -> Result<Response> {
    let rows = Rows::asked(query.limit)?;
    let after = bound("cursor", query.cursor, 0, 0)?;
    let filter = TaskFilter {
        project: query.project.clone(),
        status: query.status.as_deref().map(parse_status).transpose()?,
        assignee: query.assignee.clone(),
        label: query.label.clone(),
        claimed_by: query.claimed_by.clone(),
        is_ready: query.ready.unwrap_or(false),
        depends_on: query.depends_on.as_deref().map(number_of).transpose()?,
        is_closed: query.closed,
    };
    let listed = list_tasks(&ctx, filter, after, rows.to_read()).await?;
    let filters = [
        ("project", &query.project),
        ("status", &query.status),
        ("assignee", &query.assignee),
        ("label", &query.label),
        ("claimed_by", &query.claimed_by),
        ("ready", &query.ready.map(|ready| ready.to_string())),
        ("depends_on", &query.depends_on),
        ("closed", &query.closed.map(|closed| closed.to_string())),
    ];
    rows.answer(&listed, "/api/tasks", "cursor", &filters)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphQuery {
    project: Option<String>,
    task: Option<String>,
    limit: Option<i64>,
}

/// Read how tasks wait for each other
///
/// The tasks that are not closed and depend on others, with those; or what one
/// task waits for and what waits for it, near or far. What goes beyond the limit
/// is counted.
#[utoipa::path(get, path = "/api/tasks/graph", operation_id = "graph_tasks", tag = "tasks",
    params(
        ("project" = Option<String>, Query, description = "Their project"),
        ("task" = Option<String>, Query, description = "Only what this task waits for, and what waits for it", example = "T-1"),
        ("limit" = Option<i64>, Query, description = "Tasks at most; default 200", minimum = 1, maximum = 500),
    ),
    responses((status = 200, description = "The graph", body = TaskGraph)))]
async fn graph(Reader(ctx): Reader, Query(query): Query<GraphQuery>) -> Result<Response> {
    let limit = check_limit_of("limit", query.limit, TASK_GRAPH_MAX)?.unwrap_or(GRAPH_TASKS);
    let task = query.task.as_deref().map(number_of).transpose()?;
    let filter = GraphFilter {
        project: query.project,
        task: task.map(TaskNumber),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (graph, revision) = graph_tasks(&ctx, filter, limit).await?;
    Ok(json_at(revision, &graph))
}

fn number_of(text: &str) -> Result<i64> {
    let number = text.parse::<TaskNumber>();
    number
        .map(|number| number.0)
        .map_err(|error| invalid(error.to_string()))
}

fn parse_status(word: &str) -> Result<TaskStatus> {
    TaskStatus::from_word(word).ok_or_else(|| {
        invalid(format!(
            "status is {word:?}; it takes open, claimed, done, failed or cancelled"
        ))
    })
}

/// Put a task into the queue
#[utoipa::path(post, path = "/api/tasks", operation_id = "create_task", tag = "tasks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewTask, example = json!({"title": "Build the cart page", "capabilities": ["react"], "paths": ["web/cart/**"]})),
    responses((status = 200, description = "The task", body = Task)))]
async fn create(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NewTask>,
) -> Result<axum::Json<Task>> {
    Ok(axum::Json(create_task(&ctx, body).await?))
}

/// Put many tasks into the queue
///
/// All, or none. They may depend on each other by their `ref`.
#[utoipa::path(post, path = "/api/tasks/bulk", operation_id = "create_tasks", tag = "tasks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewTasks, example = json!({"tasks": [{"ref": "api", "title": "Build the API"}, {"title": "Build the page", "depends_on": ["api"]}]})),
    responses((status = 200, description = "Their numbers, in the order in which they were given", body = CreatedTasks)))]
async fn create_many(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NewTasks>,
) -> Result<axum::Json<CreatedTasks>> {
    Ok(axum::Json(create_tasks(&ctx, body).await?))
}

/// Ask for work
///
/// Hands back the task that the calling agent has claimed, else claims the best
/// that is ready for it. For agents only.
#[utoipa::path(post, path = "/api/tasks/next", operation_id = "next_task", tag = "tasks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NextRequest, example = json!({"wait_seconds": 0})),
    responses((status = 200, description = "The task, or why there is none", body = NextTask)))]
async fn next(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<NextRequest>,
) -> Result<axum::Json<NextTask>> {
    Ok(axum::Json(next_task(&ctx, body).await?))
}

/// Close many tasks
///
/// All, or none; those that are closed already stay as they are. For the owner
/// and controllers; who made the tasks may cancel those that nobody has claimed.
#[utoipa::path(post, path = "/api/tasks/close", operation_id = "close_tasks", tag = "tasks",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = CloseTasks, example = json!({"tasks": ["T-3"], "why": "the page is dropped"})),
    responses((status = 200, description = "Those that were not closed before", body = ClosedTasks)))]
async fn close(
    Writer(ctx): Writer,
    _: NoQuery,
    Json(body): Json<CloseTasks>,
) -> Result<axum::Json<ClosedTasks>> {
    Ok(axum::Json(close_tasks(&ctx, body).await?))
}

/// Read a task
#[utoipa::path(get, path = "/api/tasks/{id}", operation_id = "get_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self` for the one that the caller has claimed", example = "T-1")),
    responses((status = 200, description = "The task with its dependencies and notes", body = Task)))]
async fn get(Reader(ctx): Reader, _: NoQuery, Path(id): Path<String>) -> Result<Response> {
    let (task, revision) = get_task(&ctx, &id).await?;
    Ok(json_at(revision, &task))
}

/// Change a task
///
/// What is left out stays. For the owner, controllers, and who made it while
/// nobody has claimed it.
#[utoipa::path(patch, path = "/api/tasks/{id}", operation_id = "edit_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "T-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskChange, example = json!({"priority": 0})),
    responses((status = 200, description = "The task as it is now", body = Task)))]
async fn edit(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskChange>,
) -> Result<axum::Json<Task>> {
    Ok(axum::Json(edit_task(&ctx, &id, body).await?))
}

/// Say why a task stands where it stands
#[utoipa::path(get, path = "/api/tasks/{id}/why", operation_id = "why_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "T-1")),
    responses((status = 200, description = "One sentence", body = TaskWhy)))]
async fn why(
    Reader(ctx): Reader,
    _: NoQuery,
    Path(id): Path<String>,
) -> Result<axum::Json<TaskWhy>> {
    Ok(axum::Json(why_task(&ctx, &id).await?))
}

/// Claim a task
///
/// Refused where it is not ready for the calling agent, and says why.
#[utoipa::path(post, path = "/api/tasks/{id}/claim", operation_id = "claim_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number", example = "T-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    responses((status = 200, description = "The task", body = Task)))]
async fn claim(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
) -> Result<axum::Json<Task>> {
    Ok(axum::Json(claim_task(&ctx, &id).await?))
}

/// Hand a task in
///
/// For the agent that has claimed it. With a `fence` that is not the claim's it
/// is refused: somebody else has it now.
#[utoipa::path(post, path = "/api/tasks/{id}/done", operation_id = "finish_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "self"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskDone, example = json!({"result": "merged as 4f2a"})),
    responses((status = 200, description = "The task is done", body = TaskItem)))]
async fn done(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskDone>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(finish_task(&ctx, &id, body).await?))
}

/// Say that a task could not be done
///
/// With `retry` it goes back into the queue, while attempts last.
#[utoipa::path(post, path = "/api/tasks/{id}/fail", operation_id = "fail_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "self"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskFailed, example = json!({"why": "the API has no such field", "retry": true})),
    responses((status = 200, description = "The task as it is now", body = TaskItem)))]
async fn fail(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskFailed>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(fail_task(&ctx, &id, body).await?))
}

/// Give a task back
///
/// It goes back into the queue as it is; no attempt is counted.
#[utoipa::path(post, path = "/api/tasks/{id}/release", operation_id = "release_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "self"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskReleased, example = json!({"why": "somebody who knows CSS should do it"})),
    responses((status = 200, description = "The task as it is now", body = TaskItem)))]
async fn release(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskReleased>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(release_task(&ctx, &id, body).await?))
}

/// Note something on a task
///
/// Whoever takes it next reads it. For who works on it, who made it, the owner
/// and controllers.
#[utoipa::path(post, path = "/api/tasks/{id}/note", operation_id = "note_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number, or `self`", example = "T-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = NewTaskNote, example = json!({"text": "the tests need a database"})),
    responses((status = 200, description = "The task", body = TaskItem)))]
async fn note(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<NewTaskNote>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(add_note(&ctx, &id, body).await?))
}

/// Cancel a task
///
/// For the owner, controllers, and who made it while nobody has claimed it.
#[utoipa::path(post, path = "/api/tasks/{id}/cancel", operation_id = "cancel_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number", example = "T-2"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskReason, example = json!({"why": "the page is dropped"})),
    responses((status = 200, description = "The task is cancelled", body = TaskItem)))]
async fn cancel(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskReason>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(cancel_task(&ctx, &id, body).await?))
}

/// Reopen a task
///
/// Brings a closed one back into the queue. The owner and controllers take one
/// from whoever works on it, too.
#[utoipa::path(post, path = "/api/tasks/{id}/reopen", operation_id = "reopen_task", tag = "tasks",
    params(("id" = String, Path, description = "Its number", example = "T-1"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body(content = TaskReason, example = json!({"why": "the review found a fault"})),
    responses((status = 200, description = "The task is in the queue", body = TaskItem)))]
async fn reopen(
    Writer(ctx): Writer,
    _: NoQuery,
    Path(id): Path<String>,
    Json(body): Json<TaskReason>,
) -> Result<axum::Json<TaskItem>> {
    Ok(axum::Json(reopen_task(&ctx, &id, body).await?))
}
