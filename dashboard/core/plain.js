// Text that somebody else wrote, made harmless for the eye: what would be
// invisible, or would change the order of what follows, is shown by its number.

/**
 * Control characters but tab and line feed; what turns the direction; what has
 * no width; tags; separators. The server's names exclude the same.
 */
const ODD =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u115F\u1160\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB]|[\u{E0000}-\u{E0FFF}]|\p{Cs}/gu;

/** Most texts have nothing of that. */
const USUAL = /^[\x20-\x7E]*$/;

/** More marks than this on one letter cover the lines around it. */
const PILE = /(\p{M}{4})\p{M}+/gu;

/**
 * @typedef {{text: string, odd: boolean}} Piece
 */

/**
 * Cuts a text to pieces; odd ones hold the number of a character.
 * @param {string} text
 * @returns {Piece[]}
 */
export function pieces(text) {
  if (USUAL.test(text)) return text === '' ? [] : [{ text, odd: false }];
  const calm = text.replace(PILE, '$1');
  /** @type {Piece[]} */
  const list = [];
  let from = 0;
  for (const match of calm.matchAll(ODD)) {
    if (match.index > from) list.push({ text: calm.slice(from, match.index), odd: false });
    list.push({ text: codePoint(match[0]), odd: true });
    from = match.index + match[0].length;
  }
  if (from < calm.length) list.push({ text: calm.slice(from), odd: false });
  return list;
}

/**
 * The same as one text, for titles and labels.
 * @param {string} text
 * @param {number} [max]
 */
export function plain(text, max = 500) {
  const list = pieces(text.slice(0, max));
  const all = list.map((piece) => (piece.odd ? `‹${piece.text}›` : piece.text)).join('');
  return text.length > max ? `${all}…` : all;
}

/** @param {string} character */
function codePoint(character) {
  const number = character.codePointAt(0) ?? 0;
  return `U+${number.toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * A word of a shell's command line.
 * @param {string} text
 */
export function shellWord(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {number} bytes */
export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/**
 * Whether a topic matches a pattern; `*` stands for anything.
 * @param {string} pattern
 * @returns {(topic: string) => boolean}
 */
export function matcher(pattern) {
  const parts = pattern.split('*');
  if (parts.length === 1) return (topic) => topic === pattern;
  const [head = '', ...rest] = parts;
  const tail = rest.pop() ?? '';
  return (topic) => {
    if (!topic.startsWith(head) || !topic.endsWith(tail)) return false;
    let at = head.length;
    for (const part of rest) {
      const found = topic.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= topic.length - tail.length;
  };
}
