/**
 * The ghost text that was offered last, followed through what the user types.
 *
 * Knows: one offer, and how an insertion changes it. Must not know: the editor's API, counting.
 */

export interface Place {
  readonly line: number;
  readonly character: number;
}

/** An insertion or replacement in a document, as the editor reports it. */
export interface Edit {
  readonly uri: string;
  readonly start: Place;
  readonly end: Place;
  readonly text: string;
}

/** Ghost text at a place: what Tab would insert there. */
export interface Offer {
  readonly uri: string;
  readonly place: Place;
  readonly text: string;
}

/** What an edit did to an offer. */
export interface Followed {
  /** What is left of it; undefined when it is gone. */
  readonly offer: Offer | undefined;
  /**
   * Whether the edit took several characters of it at once: a word or a line that was accepted. A word of one
   * character cannot be told from typing, and is taken for that.
   */
  readonly partly: boolean;
}

/** What is left of an offer after an edit in its document. */
export function follow(offer: Offer, edit: Edit): Followed {
  const goesOn =
    edit.uri === offer.uri &&
    same(edit.start, offer.place) &&
    same(edit.end, offer.place) &&
    edit.text.length > 0 &&
    edit.text.length < offer.text.length &&
    offer.text.startsWith(edit.text);
  if (!goesOn) {
    return { offer: undefined, partly: false };
  }
  const rest = { uri: offer.uri, place: after(offer.place, edit.text), text: offer.text.slice(edit.text.length) };
  return { offer: rest, partly: edit.text.length > 1 };
}

export function same(one: Place, other: Place): boolean {
  return one.line === other.line && one.character === other.character;
}

/** The place behind a text that was inserted. */
function after(place: Place, text: string): Place {
  const lines = text.split("\n");
  const last = lines.at(-1) ?? "";
  return lines.length === 1
    ? { line: place.line, character: place.character + last.length }
    : { line: place.line + lines.length - 1, character: last.length };
}
