// The control API (API.md), one function a call. Answers are plain objects; what could not be done is an ApiError.

export class ApiError extends Error {
  /** `code`: the API's snake_case word, or "unreachable". The message is a sentence for the person. */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(`/_/${path}`, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError("unreachable", "The playground does not answer. Is it still running?");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError("unreadable", `The playground answered with status ${response.status}.`);
  }
  if (!response.ok) throw new ApiError(answer.error || "error", answer.detail || answer.error || `Status ${response.status}`);
  return answer;
}

const get = (path) => call("GET", path);
const post = (path, body = {}) => call("POST", path, body);
const person = (user) => `people/${encodeURIComponent(user)}`;
const view = (user, id) => `${person(user)}/views/${encodeURIComponent(id)}`;

export const api = {
  state: () => get("state"),
  log: (limit = 100) => get(`log?limit=${limit}`),
  reset: () => post("reset"),
  conversations: async (user) => (await get(`${person(user)}/conversations`)).conversations,
  messages: async (user, channel) => (await get(`${person(user)}/messages?channel=${encodeURIComponent(channel)}`)).messages,
  home: async (user) => (await get(`${person(user)}/home`)).view,
  modals: async (user) => (await get(`${person(user)}/modals`)).stack,
  read: (user, channel) => post(`${person(user)}/read`, { channel }),
  say: (user, message) => post(`${person(user)}/messages`, message),
  edit: (user, channel, ts, text) => post(`${person(user)}/messages/edit`, { channel, ts, text }),
  remove: (user, channel, ts) => post(`${person(user)}/messages/delete`, { channel, ts }),
  dismiss: (user, channel, ts) => post(`${person(user)}/messages/dismiss`, { channel, ts }),
  react: (user, reaction) => post(`${person(user)}/reactions`, reaction),
  converse: async (user, users) => (await post(`${person(user)}/conversations`, { users })).channel,
  upload: async (user, file) => (await post(`${person(user)}/files`, file)).file,
  act: (user, action) => post(`${person(user)}/actions`, action),
  submit: (user, id, values) => post(`${view(user, id)}/submit`, { values }),
  close: (user, id, all = false) => post(`${view(user, id)}/close`, { all }),
  command: (user, command) => post(`${person(user)}/commands`, command),
  openHome: (user, tab) => post(`${person(user)}/home`, { tab }),
};

/**
 * Listens for changes until the page goes. `onChange` gets each event; `onOpen` is called on every (re)connect,
 * as events are not replayed; `onLost` when the connection is gone.
 */
export function listen({ onChange, onOpen, onLost }) {
  const source = new EventSource("/_/events");
  source.onopen = onOpen;
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  source.onerror = () => {
    onLost();
    // The browser reconnects by itself unless the server answered with something that is no event stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen({ onChange, onOpen, onLost }), 2000);
  };
}
