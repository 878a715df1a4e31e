// Who and what the ids in messages stand for, and how their times are written.

export class Directory {
  constructor(state) {
    this.take(state);
  }

  take(state) {
    this.app = state.app;
    this.people = state.people.filter((person) => !person.is_app);
    this.byId = new Map(state.people.map((person) => [person.id, person]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  }

  person(id) {
    return this.byId.get(id) || null;
  }

  /** A person's name, or the id itself when nobody has it. */
  name(id) {
    return this.byId.get(id)?.name || id;
  }

  channelName(id) {
    return this.channels.get(id)?.name || id;
  }

  commands() {
    return this.app.commands || [];
  }
}

const formats = new Map();

function format(tz, options) {
  const key = `${tz}|${JSON.stringify(options)}`;
  if (!formats.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: tz || "UTC" });
    } catch {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }); // a zone that the browser does not know
    }
    formats.set(key, made);
  }
  return formats.get(key);
}

const secondsOf = (ts) => Number(ts);
const dateOf = (ts) => new Date(secondsOf(ts) * 1000);

/** "14:05" in the time zone of the person who looks. */
export const clock = (ts, tz) => format(tz, { hour: "2-digit", minute: "2-digit" }).format(dateOf(ts));

/** "Saturday, 30 November 2024 at 14:05:20", for tooltips. */
export const fullTime = (ts, tz) => format(tz, { dateStyle: "full", timeStyle: "medium" }).format(dateOf(ts));

/** A day's key that compares equal for moments of one day in that zone. */
export const dayKey = (ts, tz) => format(tz, { year: "numeric", month: "2-digit", day: "2-digit" }).format(dateOf(ts));

/** "Today", "Yesterday" or "Monday, 25 November". */
export function dayName(ts, tz) {
  const now = Date.now() / 1000;
  if (dayKey(ts, tz) === dayKey(now, tz)) return "Today";
  if (dayKey(ts, tz) === dayKey(now - 86400, tz)) return "Yesterday";
  return format(tz, { weekday: "long", day: "numeric", month: "long" }).format(dateOf(ts));
}

const LAST_SECOND = 8.64e12; // the last that a Date can be

const DATE_TOKENS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  day_divider_pretty: { weekday: "long", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
};

/** Slack's date markup, e.g. "{date_short_pretty} at {time}", for epoch seconds; unknown tokens, and all of them for seconds that are no date, stay as they are. */
export function formatDate(seconds, pattern, tz) {
  if (!(Math.abs(seconds) <= LAST_SECOND)) return pattern;
  return pattern.replace(/\{(\w+)\}/g, (whole, token) => {
    if (token === "ago") return ago(seconds);
    const pretty = token.endsWith("_pretty") && token !== "day_divider_pretty";
    if (pretty) {
      const name = dayName(seconds, tz);
      if (name === "Today" || name === "Yesterday") return name.toLowerCase();
    }
    const options = DATE_TOKENS[pretty ? token.slice(0, -"_pretty".length) : token];
    return options ? format(tz, options).format(dateOf(seconds)) : whole;
  });
}

/** "3 minutes ago", "in 2 hours". */
export function ago(seconds) {
  const delta = seconds - Date.now() / 1000;
  const size = Math.abs(delta);
  const [unit, length] = size < 60 ? ["second", 1] : size < 3600 ? ["minute", 60] : size < 86400 ? ["hour", 3600] : ["day", 86400];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(delta / length), unit);
}
