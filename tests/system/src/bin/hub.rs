//! The one-machine run, as `cargo run` starts it. Cargo builds the binaries of a package with its tests, never those of
//! another, so it is built once more here: the tests cannot run an old one.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    local::command::run().await
}
