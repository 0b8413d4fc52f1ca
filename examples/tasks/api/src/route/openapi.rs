//! The document: what each operation takes decides which problems it may answer with.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response};
use utoipa::{Modify, OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tasks", description = "Tasks of users whom PostgreSQL keeps apart."),
    modifiers(&Security),
    components(schemas(ProblemDocument)),
)]
pub(super) struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();

        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// What every answer of 400 and above says, as `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemDocument {
    #[schema(example = "about:blank")]
    r#type: String,
    #[schema(example = "Not Found")]
    title: String,
    #[schema(example = 404)]
    status: u16,
    /// Stable; what a client decides by.
    #[schema(example = "not_found")]
    code: String,
    detail: String,
}

/// Adds to each operation the problems that follow from what it takes, and says of every answer what
/// it is. An operation names only what is its own, such as a 404.
pub(super) fn complete(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else {
                continue;
            };

            // Two handlers may have one name, and utoipa takes it for both.
            let name = path.replace(['/', '-'], "_").replace(['{', '}'], "");
            operation.operation_id = Some(format!("{method}{name}"));

            let follow = problems(operation, method != "get");
            let answers = &mut operation.responses.responses;
            for status in follow {
                answers
                    .entry(status.as_str().to_owned())
                    .or_insert_with(|| Response::default().into());
            }
            describe(answers);
        }
    }
}

fn problems(operation: &Operation, writes: bool) -> Vec<StatusCode> {
    let takes = |place: &ParameterIn| {
        operation.parameters.iter().flatten().any(
            |parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place),
        )
    };

    // Every operation asks the database.
    let mut problems = vec![
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    // Something is there already, is missing, or is changed by another request.
    if writes {
        problems.push(StatusCode::CONFLICT);
    }
    if operation.security.is_some() {
        problems.push(StatusCode::UNAUTHORIZED);
    }
    if takes(&ParameterIn::Path) || takes(&ParameterIn::Query) {
        problems.push(StatusCode::BAD_REQUEST);
    }
    // A text that PostgreSQL cannot take, such as one with a NUL byte.
    if takes(&ParameterIn::Query) {
        problems.push(StatusCode::UNPROCESSABLE_ENTITY);
    }
    // The administrator's reason.
    if takes(&ParameterIn::Header) {
        problems.extend([StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN]);
    }
    if operation.request_body.is_some() {
        problems.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }

    problems
}

fn describe(answers: &mut BTreeMap<String, RefOr<Response>>) {
    for (status, answer) in answers {
        let status: StatusCode = status.parse().expect("an operation's statuses are numbers");
        let RefOr::T(answer) = answer else {
            continue;
        };

        if answer.description.is_empty() {
            answer.description = status.canonical_reason().unwrap_or_default().to_owned();
        }
        if status.is_client_error() || status.is_server_error() {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            let kind = "application/problem+json".to_owned();
            answer.content.insert(kind, problem.into());
        }
    }
}
