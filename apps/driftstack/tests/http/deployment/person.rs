use driftstack_domain::audit::export::{self, Export};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{
    fixture::{Answer, send},
    process::Process,
};

/// Somebody with a credential, who may ask any process: `olive.post(&one, "/v1/team/invites", body).await`.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub email: String,
    /// A session's token or an API key.
    pub token: String,
    client: Client,
}

impl Person {
    pub fn new(id: String, email: String, token: String) -> Self {
        let client = Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap();
        Self { id, email, token, client }
    }

    #[must_use]
    pub fn with_token(&self, token: &Value) -> Self {
        Self { token: token.as_str().unwrap().to_owned(), ..self.clone() }
    }

    pub fn request(&self, process: &Process, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, process.url(path)).bearer_auth(&self.token)
    }

    pub async fn get(&self, process: &Process, path: &str) -> Answer {
        send(self.request(process, Method::GET, path)).await
    }

    pub async fn post(&self, process: &Process, path: &str, body: Value) -> Answer {
        send(self.request(process, Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, process: &Process, path: &str, body: Value) -> Answer {
        send(self.request(process, Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, process: &Process, path: &str) -> Answer {
        send(self.request(process, Method::DELETE, path)).await
    }

    /// Mints a key on somebody's account, which may be one's own.
    pub async fn mint_on(&self, workspace: &str, process: &Process) -> Answer {
        let request = self.request(process, Method::POST, "/v1/api-keys").header("x-driftstack-account", workspace);
        send(request.json(&json!({ "name": "test", "scopes": ["read"] }))).await
    }

    pub async fn invite(&self, process: &Process, email: &str, role: &str) {
        self.post(process, "/v1/team/invites", json!({ "email": email, "role": role })).await.expect(202);
    }

    /// The entries of one's log, whose chain must be whole.
    pub async fn proven_log(&self, process: &Process) -> Vec<String> {
        let export = self.get(process, "/v1/account/audit-log/export").await.expect(200);
        let entries = export["data"].as_array().unwrap().iter();
        let actions = entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
        export::verify(serde_json::from_value::<Export>(export).unwrap()).unwrap();
        actions
    }
}
