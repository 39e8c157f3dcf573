/** Why something was not done. `code` is stable (domain/errors.py) or one of the browser's own:
 * `no_answer` (nothing came back in time), `offline` (could not be sent), `closed` (the wire was closed). */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly takenBy: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "Refusal";
  }
}

/** The code of anything thrown, for `errorText`. */
export function codeOf(error: unknown): string {
  return error instanceof Refusal ? error.code : "unknown";
}
