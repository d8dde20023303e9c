/**
 * How the memories of slots are put back, from best to least:
 *
 * - `pagemap`: the image lies copy-on-write under the memory; the kernel says which pages were written to, and those
 *   are copied back.
 * - `madvise`: the image lies under the memory; the kernel drops everything that was written.
 * - `copy`: the whole image is copied back.
 * - `fresh`: a slot is used once.
 */
export const ROADS = ['pagemap', 'madvise', 'copy', 'fresh'] as const;
export type Road = (typeof ROADS)[number];

/** What an operator asks for: one road, or the best that the machine has. */
export const ROAD_WISHES = ['auto', ...ROADS] as const;
export type RoadWish = (typeof ROAD_WISHES)[number];
