// Colours for stderr, where all that is coloured goes. See https://no-color.org.
import { Chalk, chalkStderr } from "chalk";

export const colour = new Chalk({ level: process.env.NO_COLOR ? 0 : chalkStderr.level });
