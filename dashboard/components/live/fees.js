import { executionId } from "./fills.js";

// What an account has paid in fees: up to the history's newest point, and by each trade since, which the stream tells once and the history later.
export class Fees {
  constructor() {
    this.point = null;
    this.since = new Map();
  }

  // An execution as the account's stream or the history tells it.
  take(execution) {
    const { time_ms, fee } = execution;
    if (fee) this.since.set(executionId(execution), { time_ms, fee });
  }

  // A point holds all before its time. `executions`: of the history, from then on: what traded before the stream was opened.
  begin(point, executions) {
    this.point = point;
    for (const execution of executions) this.take(execution);
    for (const [id, { time_ms: timeMs }] of this.since) if (timeMs < point.time_ms) this.since.delete(id);
  }

  // Null before the first point.
  get paid() {
    return this.point && [...this.since.values()].reduce((sum, { fee }) => sum + fee, this.point.fees);
  }
}
