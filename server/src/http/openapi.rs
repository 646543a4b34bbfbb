//! `/openapi.json`, made from the handlers, and a page of it for people.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::get;
use coro_api::Problem;
use coro_api::dashboard::{DashboardSession, SignIn, SignedIn};
use coro_api::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use coro_api::state::{StateDiff, StateHistory};
use utoipa::ToSchema as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContactBuilder, Content, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, Ref, RefOr, ResponseBuilder, Schema, Type,
};
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;

const SECURITY: &str = "token";

/// What the document says beside the operations.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Coro")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The coordination server for AI coding agents: versioned state, events, and who may \
             do what. Every error is problem details (RFC 9457) with a `reason` of a closed set.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some("MIT"))
                .build(),
        ))
        .contact(
            None::<utoipa::openapi::Contact>
                .or_else(|| Some(ContactBuilder::new().name(Some("Coro")).build())),
        )
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Serves the document and the page.
pub fn routes(document: OpenApi) -> Router<App> {
    let document = complete(document);
    let json: Arc<str> = text(&document).into();
    let serve = move || {
        let json = json.clone();
        async move {
            (
                [(header::CONTENT_TYPE, "application/json")],
                json.to_string(),
            )
                .into_response()
        }
    };
    Router::new()
        .route("/openapi.json", get(serve))
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")))
}

/// The document as `/openapi.json` has it.
pub fn document() -> String {
    let (_, document) = crate::router::documented().split_for_parts();
    text(&complete(document))
}

fn text(document: &OpenApi) -> String {
    document
        .to_pretty_json()
        .expect("the document is plain data")
}

/// Adds what all operations have in common.
fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    add_schema::<Problem>(components);
    // Readings of a key that its operation can't tell apart by content type.
    add_schema::<StateHistory>(components);
    add_schema::<StateDiff>(components);
    // Of the dashboard's own listener, whose paths are not here.
    add_schema::<SignIn>(components);
    add_schema::<SignedIn>(components);
    add_schema::<DashboardSession>(components);
    let bearer = Http::new(HttpAuthScheme::Bearer);
    components.add_security_scheme(SECURITY, SecurityScheme::Http(bearer));
    document.security = Some(vec![SecurityRequirement::new(
        SECURITY,
        Vec::<String>::new(),
    )]);

    let problem = ResponseBuilder::new()
        .description("What went wrong, and a safe next step")
        .content(
            "application/problem+json",
            Content::new(Some(RefOr::Ref(Ref::from_schema_name(Problem::name())))),
        )
        .build();
    // A path that takes the rest of the URL is written as a plain parameter.
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, mut item) in paths {
        for operation in operations(&mut item) {
            bound_idempotency_key(operation);
            operation
                .responses
                .responses
                .insert("default".to_owned(), problem.clone().into());
        }
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    document
}

/// Says which texts the header takes: see the gate.
fn bound_idempotency_key(operation: &mut Operation) {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(IDEMPOTENCY_KEY_BYTES_MAX))
        .pattern(Some(r"^[\t -~]+$"))
        .build();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "Idempotency-Key"
        {
            parameter.schema = Some(Schema::Object(key.clone()).into());
        }
    }
}

/// Adds a type and those that it is made of.
fn add_schema<T: utoipa::ToSchema>(components: &mut Components) {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

fn operations(item: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}
