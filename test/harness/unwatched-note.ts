import { createGuestNotes, GuestNote } from '../../host/instance/guest-note.ts';

/** The note of a thread that nobody watches. */
export const UNWATCHED_NOTE: GuestNote = new GuestNote(createGuestNotes(1), 0);
