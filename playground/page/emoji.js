// The emoji that apps and people use most, by Slack's short names. Others stay as they were typed.

import { el, sprite } from "./dom.js";

const LIST = `
smile 😄|smiley 😃|grinning 😀|grin 😁|joy 😂|sweat_smile 😅|laughing 😆|blush 😊|slightly_smiling_face 🙂|wink 😉|heart_eyes 😍|sunglasses 😎
thinking_face 🤔|neutral_face 😐|expressionless 😑|unamused 😒|sweat 😓|pensive 😔|confused 😕|slightly_frowning_face 🙁|white_frowning_face ☹️|disappointed 😞
worried 😟|angry 😠|rage 😡|cry 😢|sob 😭|fearful 😨|scream 😱|sleeping 😴|zzz 💤|face_with_rolling_eyes 🙄|upside_down_face 🙃|hugging_face 🤗|relieved 😌|tired_face 😫
robot_face 🤖|wave 👋|raised_hand ✋|raised_hands 🙌|clap 👏|pray 🙏|ok_hand 👌|muscle 💪|thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎|point_right 👉|point_left 👈|point_up ☝️|point_down 👇|v ✌️|handshake 🤝|writing_hand ✍️|eyes 👀
bust_in_silhouette 👤|busts_in_silhouette 👥|technologist 🧑‍💻|raising_hand 🙋|shrug 🤷|heart ❤️|blue_heart 💙|green_heart 💚|broken_heart 💔|fire 🔥|sparkles ✨|star ⭐|star2 🌟|tada 🎉|confetti_ball 🎊|gift 🎁|trophy 🏆|rocket 🚀|100 💯|boom 💥
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_multiplication_x ✖️|warning ⚠️|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|rotating_light 🚨|exclamation ❗|question ❓|grey_question ❔|bangbang ‼️|information_source ℹ️|sos 🆘|new 🆕|ok 🆗
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|white_circle ⚪|black_circle ⚫|large_green_square 🟩|large_red_square 🟥|white_large_square ⬜|black_large_square ⬛|small_blue_diamond 🔹|large_blue_diamond 🔷
arrow_right ➡️|arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|arrow_upper_right ↗️|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️|arrows_counterclockwise 🔄|repeat 🔁|back 🔙|fast_forward ⏩|double_vertical_bar ⏸️|arrow_forward ▶️
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|alarm_clock ⏰|clock1 🕐|clock3 🕒|clock9 🕘|watch ⌚|calendar 📆|date 📅|spiral_calendar_pad 🗓️|bell 🔔|no_bell 🔕|mega 📣|loudspeaker 📢|speech_balloon 💬|left_speech_bubble 🗨️|thought_balloon 💭
ticket 🎫|memo 📝|pencil 📝|pencil2 ✏️|clipboard 📋|pushpin 📌|round_pushpin 📍|paperclip 📎|link 🔗|bookmark 🔖|label 🏷️|mag 🔍|mag_right 🔎|books 📚|book 📖|page_facing_up 📄|open_file_folder 📂|file_folder 📁|card_index_dividers 🗂️|inbox_tray 📥|outbox_tray 📤|incoming_envelope 📨|email 📧|envelope ✉️|package 📦
bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bulb 💡|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|toolbox 🧰|jigsaw 🧩|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|old_key 🗝️|shield 🛡️|bug 🐛
computer 💻|desktop_computer 🖥️|keyboard ⌨️|printer 🖨️|iphone 📱|telephone_receiver 📞|phone ☎️|satellite_antenna 📡|signal_strength 📶|globe_with_meridians 🌐|electric_plug 🔌|battery 🔋|floppy_disk 💾|cd 💿|camera 📷|headphones 🎧|microphone 🎤|tv 📺
house 🏠|office 🏢|coffee ☕|pizza 🍕|cake 🍰|beers 🍻|seedling 🌱|evergreen_tree 🌲|sunny ☀️|cloud ☁️|rainbow 🌈|snowflake ❄️|zap ⚡|dart 🎯|game_die 🎲|checkered_flag 🏁|triangular_flag_on_post 🚩|palm_tree 🌴|airplane ✈️|car 🚗|train 🚋|bike 🚲
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|heavy_plus_sign ➕|heavy_minus_sign ➖|moneybag 💰|euro 💶|dollar 💵|crescent_moon 🌙|see_no_evil 🙈|ghost 👻|skull 💀|dog 🐶|cat 🐱|sloth 🦥`;

const BY_NAME = new Map(
  LIST.split(/[|\n]/)
    .filter(Boolean)
    .map((entry) => entry.trim().split(" ")),
);

/** The character of a short name (":tada:" without its colons), or null. */
export const emojiOf = (name) => BY_NAME.get(name) || null;

// Drawn in emoji.svg: these look alike everywhere, also where no emoji font is installed.
const DRAWN = new Set(
  `white_check_mark heavy_check_mark x warning no_entry_sign bust_in_silhouette busts_in_silhouette raising_hand slightly_smiling_face neutral_face
  slightly_frowning_face eyes thumbsup thumbsdown pray tada hourglass_flowing_sand ticket bell lock memo bulb bar_chart large_green_circle
  large_yellow_circle large_orange_circle red_circle large_blue_circle white_circle`.split(/\s+/),
);
const ALIASES = { "+1": "thumbsup", "-1": "thumbsdown", pencil: "memo" };

export function emojiNode(name, character = emojiOf(name)) {
  const drawing = ALIASES[name] || name;
  return el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, DRAWN.has(drawing) ? sprite(`emoji.svg#${drawing}`) : character);
}

/** What the reaction menu offers. */
export const REACTIONS = ["thumbsup", "eyes", "white_check_mark", "tada", "pray", "thumbsdown"];
