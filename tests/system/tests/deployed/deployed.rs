//! Where the stack is, and how other code gets there: what `.ci/deploy-double` wrote down.

use std::process::{Child, Command};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use system::Hub;

/// The file with all of it.
const DEPLOYED: &str = "MASTERSTOCK_DEPLOYED";

/// What code an update deploys.
#[derive(Debug, Clone, Copy)]
pub enum Code {
    /// What was deployed first.
    First,
    /// The same programs under another hash: every function is replaced.
    Next,
    /// With a function that ends at its start.
    Broken(&'static str),
    /// What was deployed first, every function started anew.
    Generation(&'static str),
}

pub struct Deployed {
    pub main_table: String,
    stack: String,
    /// The double's own address.
    endpoint: String,
    port: u16,
    host: String,
    operator_key: String,
    operator_key_secret: String,
    /// The command that deploys.
    command: String,
}

impl Deployed {
    /// `None` where nothing is deployed.
    #[allow(
        clippy::disallowed_methods,
        reason = "where the stack is, is told by the command that deployed it"
    )]
    pub fn from_env() -> Option<Self> {
        let file = std::env::var(DEPLOYED).ok()?;
        let read = std::fs::read(&file).expect("the file that MASTERSTOCK_DEPLOYED names");
        let said: Value = serde_json::from_slice(&read).expect("JSON");
        let text = |name: &str| said[name].as_str().unwrap_or_else(|| panic!("{name} is missing")).to_owned();
        Some(Self {
            main_table: text("main_table"),
            stack: text("stack"),
            endpoint: text("endpoint"),
            port: text("port").parse().expect("a port"),
            host: text("host"),
            operator_key: text("operator_key"),
            operator_key_secret: text("operator_key_secret"),
            command: text("command"),
        })
    }

    /// The operator's key that was made with the stack.
    pub fn operator_key(&self) -> &str {
        &self.operator_key
    }

    /// Another operator's key, for the functions that start from now on.
    pub async fn set_operator_key(&self, key: &str) {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "double"))
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
            .put_secret_value()
            .secret_id(&self.operator_key_secret)
            .secret_string(key)
            .send()
            .await
            .expect("the secret is set");
    }

    /// A new organization.
    pub async fn hub(&self) -> Hub {
        Hub::deployed(&self.host, self.port, &self.operator_key).await
    }

    /// Updates the stack.
    pub fn deploy(&self, code: Code) -> Child {
        let mut command = Command::new(&self.command);
        command.arg("update");
        match code {
            Code::First => command.arg("first"),
            Code::Next => command.arg("next"),
            Code::Broken(function) => command.args(["broken", function]),
            Code::Generation(value) => command.args(["generation", value]),
        };
        command.spawn().expect("the deployment runs")
    }

    /// The queues of this work show a message again after so many seconds, and give it up after so many receives.
    pub async fn hasten(&self, work: &str, seconds: u32, receives: u32) {
        let credentials = Credentials::new("test", "test", None, None, "double");
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(credentials)
            .build();
        let sqs = aws_sdk_sqs::Client::from_conf(config);
        for channel in ["woocommerce", "shopify"] {
            let url = async |name: String| {
                let found = sqs.get_queue_url().queue_name(name).send().await.expect("a queue");
                found.queue_url.expect("its address")
            };
            let dead = url(format!("{}-{work}-{channel}-dead.fifo", self.stack)).await;
            let arn = sqs
                .get_queue_attributes()
                .queue_url(dead)
                .attribute_names(QueueAttributeName::QueueArn)
                .send()
                .await
                .expect("its attributes")
                .attributes
                .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
                .expect("its ARN");
            let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": receives }).to_string();
            sqs.set_queue_attributes()
                .queue_url(url(format!("{}-{work}-{channel}.fifo", self.stack)).await)
                .attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string())
                .attributes(QueueAttributeName::RedrivePolicy, policy)
                .send()
                .await
                .expect("the queue's attributes are set");
        }
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new("test", "test", None, None, "double"))
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }
}
