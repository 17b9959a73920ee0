package main

const manualTop = `
octasklyctl top shows the fleet on the whole terminal, as it changes. Above the tabs' lists stand the figures of octasklyctl stats. It asks no more than it shows: of long lists a page, and what is worked on before what waits.

*Workers*::
state, strictest level, tasks of slots, load (the part of the slots that have a task), processors and memory that the tasks use of those that there are, transport, and the load of the last minutes. Enter shows all of one, with its self-test.

*Tasks*::
jobs that are not over, and the last that ended; of arrays how far they are, how many tasks end in a second and how long it takes at that rate. Enter shows all of one, and follows its output, or lists the elements of an array. Colours of output are kept; other escape sequences do not reach the terminal.

*Logs*::
what happens, as it happens, see octasklyctl events. Enter shows the task or worker.

Keys:

*1* *2* *3*, *Tab*::
the tabs

*arrows*, *hjkl*, *PgUp*, *PgDn*::
move; in output, left and right move along long lines

*g*, *G*::
to the beginning, to the end

*Enter*, *Esc*::
all of it, and back

*/*::
filter as you type, by words that all must be found, and by *state:failed*, *owner:ann*, *worker:w1*, *name:x*, *id:42* (tasks), *level:strict*, *transport:tcp* (workers), *level:warning*, *task:42*, *kind:worker* (logs). Enter keeps it, Esc forgets it.

*s*, *S*::
sort by the next column; turn the order round

*f*::
follow output or the log, or stop following

*a*::
also jobs that ended long ago

*v*::
the least level that Logs shows

*x*::
which elements of an array are listed

*c*, *r*, *d*::
cancel or retry a task, drain or resume a worker, after a question that only *y* affirms

*?*, *q*::
the keys; end

The mouse chooses tabs and rows, and its wheel scrolls; with Shift, most terminals let it select text as ever. What is pasted is obeyed nowhere but in a filter. Where the dispatcher does not answer, the second line says why, and when it is asked again; what is shown meanwhile is as of then. Colours are the terminal's own, and are left out where *NO_COLOR* is set. The terminal has to have 60 columns and 15 lines.
`
