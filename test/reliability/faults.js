// Makes each file-system call of each command fail in turn, and checks the command's messages and files. After npm run
// build: node --require ./test/reliability/faults.cjs test/reliability/faults.js [full|short] [scenario…]
// short: only the first and last of equal calls on a file, with alternating errno, and few persistent faults.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { main } from "../../dist/cli.js";
import { decodeSafetensors } from "../../dist/formats/safetensors.js";
import { summarizeEvent } from "../../dist/formats/tensorboard.js";
import { createScenarios } from "./fault-scenarios.js";

const CODES = ["EIO", "ENOSPC", "EACCES", "EMFILE"];
/** Persistent faults: from one call on, every call of these names fails. */
const PERSISTENT = { ENOSPC: ["write", "mkdir", "link", "fsync"], EMFILE: ["open", "scandir"] };
/** In short mode, every n-th call starts a persistent fault. */
const PERSISTENT_INTERVAL = 8;
/** Every n-th fault is repeated in a child process. */
const REPEAT_INTERVAL = 60;
const TEMPORARY = /\.\d+-[\da-f]{12}\.tmp/g;
/** Messages that would be false after a system failure. */
const MISLEADING = /not exist|there is no|no such|not the folder|damaged|broken|not valid|is empty|\bnot an? /i;
const MAX_MILLISECONDS = 60_000;

const { faults } = globalThis;
const [mode = "full", ...chosen] = process.argv.slice(2);
const isFull = mode === "full";
const home = realpathSync(mkdtempSync(path.join(tmpdir(), "vae-faults-")));
const [work, base, temporary] = ["work", "base", "temporary"].map((name) => path.join(home, name));
Object.assign(process.env, { VAE_CACHE: path.join(work, "cache"), TMPDIR: temporary });
const rejections = [];
process.on("unhandledRejection", (error) => rejections.push(`unhandled rejection: ${error}`));

/** Runs a command in this process. @returns its outcome, and its file-system calls */
async function vae(command, codeOf = () => undefined) {
  const texts = { stdout: "", stderr: "" };
  const stream = (name) =>
    new Writable({
      write(chunk, _, done) {
        texts[name] += chunk;
        done();
      },
    });
  const streams = { stdin: Readable.from([]), stdout: stream("stdout"), stderr: stream("stderr") };
  const io = { env: {}, stop: AbortSignal.abort(), ...streams }; // ends vae explore once it has started
  Object.assign(faults, { root: home, calls: [], codeOf });
  const late = new AbortController();
  const hung = setTimeout(MAX_MILLISECONDS, "hung", { signal: late.signal }).catch(() => {});
  const code = await Promise.race([main(command.split(" "), io), hung]);
  late.abort();
  faults.root = undefined;
  return { code, ...texts, calls: faults.calls };
}

function reset() {
  process.chdir(home);
  for (const folder of [work, temporary]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(temporary);
  cpSync(base, work, { recursive: true });
  process.chdir(work);
}

/** The files of a folder by name, without times, and of each run the last checkpoint. @throws if one is damaged */
function contents(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map(({ parentPath, name }) => path.join(parentPath, name)).sort();
  return new Map(
    files.map((file) => {
      const key = path.relative(folder, file).replace(/(?<=checkpoint.)step-\d+/, "last"); // keeps the last checkpoint
      return [timelessName(key), contentOf(file)];
    }),
  );
}

function contentOf(file) {
  const bytes = readFileSync(file);
  if (file.endsWith(".json")) return JSON.stringify({ ...JSON.parse(bytes), created: "", id: "" });
  if (file.endsWith(".jsonl")) {
    const lines = bytes.toString().split("\n").slice(0, -1);
    return JSON.stringify(lines.map((line) => ({ ...JSON.parse(line), seconds: 0, imagesPerSecond: 0 })));
  }
  if (file.includes("tfevents")) return eventsIn(bytes);
  if (!file.endsWith(".safetensors")) return bytes.toString("base64");
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  if (!metadata.sha256) throw new Error(`${file} has no checksum`);
  return JSON.stringify([...tensors].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString("base64")]));
}

/** Event files have the time of their creation in their names. */
function timelessName(text) {
  return text.replace(/(?<=tfevents\.)\d+/g, "last");
}

/** The steps and tags of the events in a file. @throws if a record is incomplete */
function eventsIn(bytes) {
  const events = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const content = bytes.subarray(at + 12, at + 12 + length);
    if (content.length < length) throw new Error("an event is incomplete");
    const { step, tags } = summarizeEvent(content);
    events.push([step, tags]);
    at += 16 + length;
  }
  return JSON.stringify(events);
}

/** @returns the names of files that differ. Ignores the cache, which may be deleted at any time */
function differing(a, b) {
  const names = new Set([...a.keys(), ...b.keys()]);
  return [...names].filter((file) => a.get(file) !== b.get(file) && !file.startsWith("cache"));
}

/** Names by which a message may refer to the file of a call. `reference`: the calls without a fault. */
function namesOf(call, calls, reference) {
  const temporaries = (all) => [...new Set(all.flatMap((one) => one.path.match(TEMPORARY) ?? []))];
  const [own, others] = [temporaries(calls), temporaries(reference)];
  let place = call.path.replace(TEMPORARY, (name) => others[own.indexOf(name)] ?? name);
  for (const { path: from, dest } of reference) if (dest) place = place.replace(from, dest);
  const shorten = (file) => path.relative(file.startsWith(work + path.sep) ? work : home, file);
  // A folder is flushed after a rename in it.
  const renamed = calls.slice(0, calls.indexOf(call)).findLast(({ name }) => name === "rename");
  return [place, ...(renamed && path.dirname(renamed.dest) === place ? [renamed.dest] : [])].map(shorten);
}

/** @returns problems of a command during which calls failed, one line each */
async function judge({ code, stdout, stderr, calls }, command, reference) {
  const problems = [];
  const check = (isRight, problem) => isRight || problems.push(problem);
  const failed = calls.filter((call) => call.code);
  const names = failed.flatMap((call) => namesOf(call, calls, reference.calls));
  const told = timelessName(stderr);
  const isTold = told.includes(failed[0].code) && names.some((name) => told.includes(timelessName(name)));
  const [before, found] = [contents(base), contents(work)];
  const isDeletion = failed.some(({ name }) => name === "unlink");
  const isOfLock = failed.some(({ path: place }) => path.basename(place) === "lock"); // read before it is deleted
  for (const file of found.keys()) {
    const isLeft = isDeletion || before.has(file);
    check(isLeft || !file.match(TEMPORARY), `${file} is left`);
    check(isLeft || isOfLock || path.basename(file) !== "lock", `${file} is left`);
  }
  check(!/^ +at /m.test(stderr), "a stack trace");
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  if (code === 0) {
    check(errors.length === 0, "an error, but exit code 0");
    const timeless = (text) => text.replace(/\d+ s\b|http:\S+/g, "");
    const isElsewhere = stdout.includes(temporary); // names the other folder of the cache
    const isSame = timeless(stdout) === timeless(reference.stdout) || isElsewhere;
    const others = isDeletion ? [] : differing(found, reference.files);
    check(isTold || (isSame && others.length === 0), `exit code 0, but another result: ${others}`);
    return problems;
  }
  check(code === 1, `exit code ${code}`);
  check(errors.length === 1 && stderr.endsWith(`${errors[0]}\n`), `${errors.length} lines of errors`);
  check(isTold, `the message does not give ${failed[0].code} and a name of ${names}`);
  check(!MISLEADING.test(stderr), "the message is untrue");
  if (!command.startsWith("train")) {
    for (const [file, content] of found) {
      const isRest = file.match(TEMPORARY) || file.startsWith("cache");
      check(
        isRest || [before.get(file), reference.files.get(file)].includes(content),
        `${file} is neither old nor new`,
      );
    }
    for (const file of before.keys()) check(found.has(file) || !reference.files.has(file), `${file} is gone`);
  } else if (existsSync("run")) {
    const resumed = await vae(command.includes("--resume") ? command : "train --resume run --quiet");
    const others = differing(contents(work), reference.files);
    check(resumed.code === 0 && others.length === 0, `resumes to other ${others}: ${resumed.stderr}`);
  } else check(differing(found, before).length === 0, "files of no run");
  return problems;
}

/** @returns the numbers of the calls to fail, from 0 */
function chooseCalls(calls) {
  const numbers = [...calls.keys()];
  if (isFull) return numbers;
  const kindOf = ({ name, path: place }) => `${name} ${place.replace(TEMPORARY, "").replace(/[\da-f]{12,}|\d+/g, "#")}`;
  const kinds = calls.map(kindOf);
  return numbers.filter((i) => kinds.indexOf(kinds[i]) === i || kinds.lastIndexOf(kinds[i]) === i);
}

/** Repeats a fault in a child process. @returns the differences */
function repeat(outcome, command, number, code) {
  reset();
  const [preload, launcher] = ["faults.cjs", "../../bin/vae.js"].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const { status, stderr } = spawnSync(process.execPath, ["--require", preload, launcher, ...command.split(" ")], {
    encoding: "utf8",
    env: { ...process.env, VAE_FAULT: JSON.stringify({ root: home, number, code }) },
  });
  // Images are read concurrently, so the order of calls varies, and messages may name another file.
  const nameless = (text) =>
    timelessName(text)
      .replace(/\d\.png/, "")
      .replace(/node \S*vae\.js/, "vae");
  if (status === outcome.code && nameless(stderr) === nameless(outcome.stderr)) return [];
  return [`in a child process: exit ${status}: ${stderr.trim()}`];
}

const totals = { calls: 0, faults: 0, reported: 0, tolerated: 0, wrong: 0, repeated: 0 };

async function tryFault(scenario, command, reference, number, code, isPersistent) {
  reset();
  const fails = ({ name }, at) => (isPersistent ? at >= number && PERSISTENT[code].includes(name) : at === number);
  const outcome = await vae(command, (call, at) => (fails(call, at) ? code : undefined));
  const failed = outcome.calls.find((call) => call.code);
  if (!failed) return;
  const problems = await judge(outcome, command, reference).catch((error) => [String(error)]);
  if (!isPersistent && number % REPEAT_INTERVAL === 1) {
    problems.push(...repeat(outcome, command, number, code));
    totals.repeated++;
  }
  problems.push(...rejections.splice(0));
  totals.faults++;
  totals[problems.length > 0 ? "wrong" : outcome.code === 0 ? "tolerated" : "reported"]++;
  if (problems.length === 0) return;
  const what = `${failed.name} ${path.relative(work, failed.path)}`;
  console.log(`${scenario} ${number}${isPersistent ? "+" : ""} ${code} ${what}: ${problems.join("; ")}`);
  console.log(`    exit ${outcome.code}: ${outcome.stderr.trim()}`);
}

const scenarios = createScenarios(path.join(home, "fixed"));
for (const name of chosen.length > 0 ? chosen : Object.keys(scenarios)) {
  const [command, ...steps] = scenarios[name];
  rmSync(base, { recursive: true, force: true });
  mkdirSync(base);
  reset();
  for (const step of steps) {
    if (typeof step === "function") step();
    else if ((await vae(step)).code !== 0) throw new Error(`${step} failed`);
  }
  rmSync(base, { recursive: true });
  cpSync(work, base, { recursive: true });
  reset();
  const reference = await vae(command);
  if (reference.code !== 0) throw new Error(`${command} failed: ${reference.stderr}`);
  reference.files = contents(work);
  const attempt = (...fault) => tryFault(name, command, reference, ...fault);
  const numbers = chooseCalls(reference.calls);
  for (const i of numbers) {
    const call = reference.calls[i];
    for (const code of isFull ? CODES : [CODES[i % CODES.length]]) await attempt(i + 1, code, false);
    for (const [code, names] of Object.entries(PERSISTENT)) {
      if (names.includes(call.name) && (isFull || i % PERSISTENT_INTERVAL === 0)) await attempt(i + 1, code, true);
    }
  }
  totals.calls += numbers.length;
  console.log(`${name}: ${numbers.length} of ${reference.calls.length} calls`);
}
process.chdir("/");
rmSync(home, { recursive: true });
console.log(JSON.stringify(totals));
process.exitCode = totals.wrong > 0 ? 1 : 0;
