/** A note between two buffers that are freed again; 2 s later a buffer that is larger than either hole. */
export const WORN_TASKS = `tasks:
  setup:
    at: 0 s
    do:
      - { allocate: low, size: 400 }
      - { allocate: note, size: 40 }
      - { allocate: high, size: 400 }
      - { free: low }
      - { free: high }
      - { work: 2 s }
      - { allocate: large, size: 600 }
`;
