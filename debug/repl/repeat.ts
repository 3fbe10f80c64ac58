/** What an empty line gives a command that goes on where it was. */
export const GO_ON = "--on";
