//! What the command line says.

use std::path::PathBuf;

use channels::Editions;
use clap::Parser;
use url::Url;

/// Masterstock on one machine: one process, one directory.
#[derive(Debug, Clone, Parser)]
#[command(name = "masterstock", about)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 7878)]
    pub port: u16,

    /// Where everything is kept.
    #[arg(long, default_value = ".masterstock")]
    pub data_dir: PathBuf,

    /// An empty organization for real shops, instead of one with simulated shops that sell by themselves.
    #[arg(long)]
    pub no_demo: bool,

    /// An empty organization and two simulated shops to connect by hand, at the two ports after this one: the walk of the
    /// README.
    #[arg(long)]
    pub practice: bool,

    /// Makes a new API key and a new operator's key, and prints them; the old ones stay valid until deleted (the
    /// operator's is replaced).
    #[arg(long)]
    pub show_keys: bool,

    /// Where shops reach this machine, for their notifications; http://127.0.0.1:<port> when left out.
    #[arg(long)]
    pub public_url: Option<Url>,

    /// A JSON file with the keys of your own application at the marketplaces, for connections that bring none:
    /// {"ebay": {"client_id": "…", "client_secret": "…"}}.
    #[arg(long)]
    pub applications: Option<PathBuf>,

    /// The countries whose Amazon marketplaces may be connected.
    #[arg(long, default_value_t = Editions::default())]
    pub amazon_marketplaces: Editions,

    /// Seconds between two sales in the demo.
    #[arg(long, default_value_t = 4)]
    pub demo_pause: u64,
}

impl Options {
    /// Whether the demo is wanted.
    pub fn demo(&self) -> bool {
        !self.no_demo && !self.practice
    }
}
