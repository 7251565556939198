// A lane: cases that run one after another, beside those of other lanes.

const TEST_WITHIN = 240_000;

export class Lane {
  /** The names of cases that failed. */
  failed = [];
  passed = 0;
  #name;
  #launches;
  #cases;
  #servers;
  #table;

  /** Each of `launches` starts the browser that it is named after; the first is the one of visitors. */
  constructor(name, launches, cases, { servers, table }) {
    this.#name = name;
    this.#launches = launches;
    this.#cases = Object.entries(cases);
    this.#servers = servers;
    this.#table = table;
  }

  get name() {
    return this.#name;
  }

  /** Runs the cases whose name has this part. Returns the seconds it took. */
  async run(part) {
    const from = performance.now();
    const cases = this.#cases.filter(([said]) => said.includes(part));
    const browsers = {};
    try {
      if (cases.length > 0)
        for (const [engine, launch] of Object.entries(this.#launches)) {
          browsers[engine] = await launch();
          this.#table.version(engine, browsers[engine].version);
        }
      for (const [said, test] of cases) await this.#report(said, test, browsers);
    } catch (cause) {
      this.failed.push(`${this.#name}: starts`);
      console.log(String(cause.stack));
    }
    for (const browser of Object.values(browsers)) {
      await browser.close().catch((cause) => console.log(`     ${this.#name}: a browser did not close: ${cause}`));
    }
    return seconds(from);
  }

  async #report(said, test, browsers) {
    const from = performance.now();
    const rows = [said];
    const { error, lacking } = await this.#attempt(test, browsers, rows);
    const name = `${this.#name}: ${said}`;
    if (error) this.failed.push(name);
    else this.passed += 1;
    for (const row of rows)
      for (const engine of Object.keys(browsers)) this.#table.add(row, engine, error ? "failed" : (lacking ?? "yes"));
    console.log(`${error ? "FAIL" : "ok  "} ${name} (${seconds(from)} s)`);
    if (error) console.log(String(error.stack ?? error).replaceAll(/^/gm, "     "));
  }

  async #attempt(test, browsers, rows) {
    const opened = [];
    const ends = [];
    let over = false;
    let lacking = null;
    const { base } = this.#servers;
    const stage = {
      ...this.#servers,
      /** A visitor whose browser knows this name at this server. `prepare` is for what comes before any document. */
      async visitor(name, at = base, engine = Object.keys(browsers)[0], prepare = () => {}) {
        const tab = await browsers[engine].open();
        opened.push(tab);
        await prepare(tab);
        await tab.goto(`${at}/robots.txt`);
        await tab.evaluate((name) => localStorage.setItem("parlor.name", name), name);
        return tab;
      },
      /** What is to be ended whatever happens, the last first. */
      ends: (end) => {
        // The case was given up, and goes on without being heard.
        if (over) void Promise.resolve(end()).catch(() => {});
        else ends.unshift(end);
      },
      /** The case has shown this, too. */
      also: (row) => rows.push(row),
      /** Says what was measured. */
      notes: (line) => console.log(`     ${this.#name}: ${line}`),
      /** The browser cannot do this, for this reason. */
      lacks: (reason) => (lacking = reason),
    };
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${TEST_WITHIN} ms`)), TEST_WITHIN);
    });
    let error = null;
    try {
      await Promise.race([test(stage), late]);
    } catch (cause) {
      error = cause;
    }
    clearTimeout(timer);
    over = true;
    for (const tab of opened) await tab.close().catch((cause) => (error ??= cause));
    for (const end of ends) await Promise.resolve(end()).catch((cause) => (error ??= cause));
    return { error, lacking };
  }
}

export const seconds = (from) => ((performance.now() - from) / 1_000).toFixed(1);
