//! `cargo run`: see [`local::options::Options`].

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    local::command::run().await
}
