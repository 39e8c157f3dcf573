import { Refusal } from "./refusal";
import { ofShop } from "./shop";

const DEADLINE_MS = 15_000;

interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON, unless it is a FormData or a Blob. */
  body?: unknown;
  headers?: Record<string, string>;
  deadlineMs?: number;
}

/** One HTTP request to the server's own API. Resolves with the JSON; throws `Refusal` with the server's code. */
export async function http<T>(path: string, options: Options = {}): Promise<T> {
  const { body, headers = {}, deadlineMs = DEADLINE_MS } = options;
  const raw = body instanceof FormData || body instanceof Blob;
  let response: Response;
  try {
    response = await fetch(ofShop(path), {
      method: options.method ?? (body === undefined ? "GET" : "POST"),
      credentials: "same-origin",
      headers: raw || body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: raw ? (body as BodyInit) : body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(deadlineMs),
    });
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Refusal(late ? "no_answer" : "offline", "The server could not be reached.");
  }
  const said = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  if (response.ok) return said as T;
  throw new Refusal(
    String(said?.code ?? `http_${response.status}`),
    String(said?.message ?? response.statusText),
    (said?.taken_by as string | undefined) ?? null,
    (said?.retry_after_s as number | undefined) ?? null,
  );
}
