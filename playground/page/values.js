// What an element holds: as the app gave it, as Slack's view or message state says, and as the control API takes it.

const LISTS = "LIST"; // for readers: the value is a list
const FIELDS = {
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  radio_buttons: ["selected_option", "initial_option"],
  checkboxes: ["selected_options", "initial_options", LISTS],
  multi_static_select: ["selected_options", "initial_options", LISTS],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_users_select: ["selected_users", "initial_users", LISTS],
  multi_conversations_select: ["selected_conversations", "initial_conversations", LISTS],
  multi_channels_select: ["selected_channels", "initial_channels", LISTS],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
};

const bare = (value) => (value && typeof value === "object" && "value" in value ? value.value : value);

/** The element's value in the API's form: string, number, list of strings, or null. `stored` is Slack's state entry, if there is one. */
export function valueOf(element, stored) {
  const [selected, initial, list] = FIELDS[element.type] || ["value", "initial_value"];
  const found = stored && selected in stored ? stored[selected] : element[initial];
  if (list) return (found || []).map(bare);
  return bare(found) ?? null;
}

/** What a person has put into a modal and not submitted yet. It outlives the modal's redrawing. */
export class Form {
  #values = new Map();

  set(block, element, value) {
    this.#values.set(`${block.block_id} ${element.action_id}`, value);
  }

  has(block, element) {
    return this.#values.has(`${block.block_id} ${element.action_id}`);
  }

  get(block, element) {
    return this.#values.get(`${block.block_id} ${element.action_id}`);
  }

  /** {block_id: {action_id: value}} for the input blocks of `view`, with what stood there from the start where nothing was changed. */
  collect(view) {
    const values = {};
    for (const block of view.blocks) {
      if (block.type !== "input") continue;
      const stored = view.state?.values?.[block.block_id]?.[block.element.action_id];
      const value = this.has(block, block.element) ? this.get(block, block.element) : valueOf(block.element, stored);
      values[block.block_id] = { [block.element.action_id]: value };
    }
    return values;
  }
}
