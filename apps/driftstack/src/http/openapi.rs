//! The OpenAPI 3.1 document, made from the routes and the policy table.

#![expect(clippy::indexing_slicing, reason = "what is indexed here is an object that was made here")]

use std::{collections::BTreeMap, fmt::Write};

use driftstack_domain::policy::{Callers, Gates, Scope, Standing, Workspace};
use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, schema::Schema},
};

use super::{
    dialect::{self, Dialect},
    gate::WORKSPACE_HEADER,
    route::{Api, Route},
};

/// What the reference says of one route, while it is being put together.
pub struct Description {
    pub operation: Value,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

impl Description {
    /// A reference to the schema of `T`, which joins the components with all that it refers to.
    pub fn schema<T: ToSchema>(&mut self) -> Value {
        let name = T::name().into_owned();
        let mut schemas = vec![(name.clone(), T::schema())];
        T::schemas(&mut schemas);
        self.schemas.extend(schemas);
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    pub fn parameter(&mut self, parameter: Value) {
        if let Some(parameters) = self.operation["parameters"].as_array_mut() {
            parameters.push(parameter);
        }
    }
}

/// What is said of one route: its operation, and the schemas that it refers to.
pub fn describe(route: &Route) -> (Value, BTreeMap<String, RefOr<Schema>>) {
    let mut description = Description { operation: operation(route), schemas: BTreeMap::new() };
    (route.describe)(&mut description);
    (description.operation, description.schemas)
}

/// The whole document.
pub fn document(api: &Api, type_base: &str) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for route in api.routes() {
        let (operation, mut of_route) = describe(route);
        schemas.append(&mut of_route);
        paths.entry(route.path).or_default().insert(route.method.as_str().to_lowercase(), operation);
    }
    let mut schemas = json!(schemas);
    let mut responses = json!({});
    for shape in dialect::all().map(Dialect::error_shape) {
        schemas[shape.name] = (shape.schema)(type_base);
        let schema = json!({ "$ref": format!("#/components/schemas/{}", shape.name) });
        let content = json!({ shape.content_type: { "schema": schema } });
        responses[shape.name] = json!({ "description": shape.description, "content": content });
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "driftstack",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Accounts, teams and RBAC.",
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": { "bearer": {
                "type": "http", "scheme": "bearer", "description": "An API key (`ds_live_…` or `bs_live_…`) or the token of a web session.",
            } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let gates = route.action.gates();
    let error = dialect::of(route.path).error_shape().name;
    let needs_credential = gates.callers != Callers::Anybody;
    let mut operation = json!({
        "operationId": if route.is_alias { format!("{}.alias", gates.name) } else { gates.name.to_owned() },
        "tags": [gates.name.split('.').next()],
        "summary": gates.summary,
        "description": needs_of(route),
        "parameters": [],
        "responses": { "default": { "$ref": format!("#/components/responses/{error}") } },
        "security": if needs_credential { json!([{ "bearer": [] }]) } else { json!([]) },
    });
    if gates.honours_workspace() {
        operation["parameters"] = json!([{
            "name": WORKSPACE_HEADER, "in": "header", "required": false,
            "description": "The account whose workspace to act on, `acc_…`; one's own without it.",
            "schema": { "type": "string" },
        }]);
    }
    operation
}

fn needs_of(route: &Route) -> String {
    let also =
        route.also.map(|also| format!(" Also {}: {} {}", also.gates().name, also.gates().summary, needs(also.gates())));
    needs(route.action.gates()) + also.as_deref().unwrap_or_default()
}

/// The gates of an operation in words.
fn needs(gates: &Gates) -> String {
    if gates.callers == Callers::Anybody {
        return "Needs no credential.".to_owned();
    }
    let credential = match gates.callers {
        Callers::Anybody | Callers::Credential => "a credential",
        Callers::Session => "a web session",
        Callers::Proven => "a web session whose holder has stepped up within the last 15 minutes,",
    };
    let mut text = match gates.scopes {
        [] => format!("Needs {credential} with any scope."),
        scopes => {
            let words: Vec<String> = scopes.iter().map(|scope: &Scope| format!("`{scope}`")).collect();
            format!("Needs {credential} with {}.", words.join(" or "))
        }
    };
    let place = match gates.workspace {
        Workspace::Own => return text,
        Workspace::Chosen => "workspace",
        Workspace::Active => "active organisation",
    };
    let _ = match gates.standing {
        Standing::Member => write!(text, " Open to every member of the {place}."),
        Standing::Admin => write!(text, " Open to the owner and the admins of the {place}."),
        Standing::Owner => write!(text, " Open to the owner of the {place}."),
    };
    if let Some(feature) = gates.feature {
        let _ = write!(text, " The organisation needs the plan `{}`.", feature.least_plan());
    }
    text
}
