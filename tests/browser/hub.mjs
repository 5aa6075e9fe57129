// The hub under test: the one-machine run with its simulated shops, in a directory of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts the binary and waits for its address and its key. */
export async function start(binary, options = []) {
  const directory = mkdtempSync(join(tmpdir(), "masterstock-browser-"));
  const child = spawn(binary, ["--port", "0", "--data-dir", directory, ...options]);
  const hub = { log: "", address: "", key: "" };
  child.stderr.on("data", (data) => (hub.log += data));
  let said = "";
  await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the hub ended with ${code}: ${hub.log}`)));
    child.stdout.on("data", (data) => {
      said += data;
      hub.address = /^Listening on (\S+)$/m.exec(said)?.[1] ?? "";
      hub.key = /^API key: (\S+)$/m.exec(said)?.[1] ?? "";
      if (hub.address && hub.key && said.includes("Data:")) resolve();
    });
  });
  hub.api = async (path, init = {}) => {
    const headers = { authorization: `Bearer ${hub.key}`, "content-type": "application/json" };
    const answer = await fetch(hub.address + path, { headers, ...init });
    return answer.json();
  };
  hub.stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  return hub;
}

/** Looks until something is there. */
export async function until(what, look, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
