/** The version of this project. */
export const VERSION = "0.1.0";
