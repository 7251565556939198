/** The sign of what offers emoji. */
export const SMILE = "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 9.3v1M15 9.3v1M8.2 14c2 2.7 5.6 2.7 7.6 0";
