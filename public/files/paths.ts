// The icons of files.

export const FILE_PATH = "M7 3.5h7l4 4v13H7zM14 3.5v4h4";
export const RETRY_PATH = "M19 8a8 8 0 1 0 1 6M19.5 4v4.5H15";
export const PREVIOUS_PATH = "M14.5 5.5L8 12l6.5 6.5";
export const NEXT_PATH = "M9.5 5.5L16 12l-6.5 6.5";
