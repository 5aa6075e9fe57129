//! The README's walk with `curl`, as a new user does it: its blocks, in a shell, against the local run.
//!
//! A line `# → …` says what the answer shows, an ellipsis within it stands for anything between. What only reads is asked again until it does,
//! as the walk says.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use system::{Hub, SOON};

const README: &str = include_str!("../../../../README.md");
const FROM: &str = "### A walk with `curl`";
const SHOWS: &str = "# → ";
const END: &str = "=== done: ";
const PAUSE: Duration = Duration::from_millis(100);

/// What is typed, and what the answer to the last of it shows.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    typed: String,
    shows: String,
}

/// The steps of the walk; what is typed at the end of a block without a word on the answer is a step that shows anything.
fn steps(readme: &str) -> Vec<Step> {
    let walk = readme.split_once(FROM).expect("the walk is in the README").1;
    let walk = walk.split("\n##").next().unwrap_or_default();
    let mut steps = Vec::new();
    for block in walk.split("```sh\n").skip(1) {
        let block = block.split_once("```").expect("the block ends").0;
        let mut typed = String::new();
        for line in block.lines() {
            match line.strip_prefix(SHOWS) {
                Some(shows) => {
                    steps.push(Step { typed: std::mem::take(&mut typed), shows: shows.to_owned() })
                }
                None => typed.extend([line, "\n"]),
            }
        }
        if !typed.is_empty() {
            steps.push(Step { typed, shows: String::new() });
        }
    }
    steps
}

/// Whether the parts are there, one after the other.
fn shows(answer: &str, wanted: &str) -> bool {
    let mut rest = answer;
    wanted.split(" … ").all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

struct Shell {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    /// Of whom no step can read what a person's own would hold.
    fn open() -> Self {
        let mut child = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut shell = Self { child, input, output };
        shell.run("set -o pipefail; exec 2>&1\n").expect("bash works");
        shell
    }

    /// What was answered; what was said instead where a command failed.
    fn run(&mut self, typed: &str) -> Result<String, String> {
        writeln!(self.input, "{typed}\necho; echo \"{END}$?\"").expect("bash listens");
        let mut answer = String::new();
        for line in self.output.by_ref() {
            let line = line.expect("text");
            match line.strip_prefix(END) {
                Some("0") => return Ok(answer),
                Some(_) => return Err(answer),
                None => answer.extend([&line, "\n"]),
            }
        }
        Err(format!("bash ended: {answer}"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A question that changes nothing.
fn only_reads(typed: &str) -> bool {
    !typed.contains(" -d ") && !typed.contains(" -X ")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The walk's addresses and key are those of a first start on the usual port; the test has others.
async fn as_here(hub: &Hub, text: &str) -> String {
    let mut text =
        text.replace("http://127.0.0.1:7878", &hub.address).replace("KEY=ms_…", &format!("KEY={}", hub.key));
    let shops = hub.get("/_local/shops").await;
    for (shop, port) in shops["data"].as_array().expect("a list").iter().zip(["7879", "7880"]) {
        let address = shop["endpoint"].as_str().expect("an address");
        text = text.replace(&format!("http://127.0.0.1:{port}"), address);
    }
    assert!(!text.contains("127.0.0.1:78"), "an address of the walk is not known here: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_in_the_readme_goes_from_two_shops_to_a_shipped_order() {
    for program in ["bash", "curl"] {
        if !is_there(program) {
            return eprintln!("skipped: {program} is not installed");
        }
    }
    let hub = Hub::start_with(&["--practice"]).await;
    let steps = steps(README);
    assert!(steps.len() > 15, "the walk has {} steps", steps.len());
    let mut shell = Shell::open();
    for step in steps {
        let typed = as_here(&hub, &step.typed).await;
        let mut said = shell.run(&typed);
        let again = typed.lines().last().filter(|last| only_reads(last)).map(str::to_owned);
        let begun = std::time::Instant::now();
        while let Some(again) = &again
            && !said.as_ref().is_ok_and(|answer| shows(answer, &step.shows))
            && begun.elapsed() < SOON
        {
            tokio::time::sleep(PAUSE).await;
            said = shell.run(again);
        }
        let answer = said.unwrap_or_else(|said| panic!("{}fails: {said}", step.typed));
        assert!(shows(&answer, &step.shows), "{}shows not {}: {answer}", step.typed, step.shows);
    }
    // It ends where it says.
    let orders = hub.list("/v1/orders").await;
    let sent = |order: &Value| order["lines"][0]["shipped_quantity"] == order["lines"][0]["quantity"];
    assert_eq!((orders.len(), orders.iter().all(sent)), (2, true), "{orders:?}");
}

#[test]
fn a_walk_is_read_block_by_block_and_word_by_word() {
    let walk = format!(
        "x\n{FROM}\n```\ncargo run\n```\n```sh\nA=1\napi\n# → \"a\":1 … b\n```\n```sh\nlast\n```\n## Next\n```sh\nno\n```\n"
    );
    let step = |typed: &str, shows: &str| Step { typed: typed.to_owned(), shows: shows.to_owned() };
    assert_eq!(steps(&walk), [step("A=1\napi\n", "\"a\":1 … b"), step("last\n", "")]);
    for (answer, wanted, found) in [
        ("{\"a\":1,\"b\":2}", "\"a\":1", true),
        ("{\"a\":1,\"b\":2}", "\"a\":1 … \"b\":2", true),
        ("{\"a\":1,\"b\":2}", "\"b\":2 … \"a\":1", false),
        ("{\"a\":1}", "\"a\":1 … \"a\":1", false),
        ("", "\"a\"", false),
    ] {
        assert_eq!(shows(answer, wanted), found, "{answer} {wanted}");
    }
}
