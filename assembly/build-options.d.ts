/** 1 in the exact build, where a pointer that leaves its heap is looked up in the bank table (asconfig.json: use). */
declare const EXACT_ACCESS: i32;
