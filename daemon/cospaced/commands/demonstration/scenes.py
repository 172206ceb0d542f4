"""What the audience reads over each scene: a caption, and what to look at (78 columns at most)."""

SCENES = (
    (
        "One INI file, one service, and a bare Cisco Meeting Server",
        "cospaced finds both Call Bridges and makes a pool of 20 spaces, all at once.",
    ),
    (
        "Ada invites three rooms, from her calendar as always",
        "The event lands in three room calendars. That is all anybody has to do.",
    ),
    (
        "The space opens early, and Grace is early too",
        "She dials in from the Cellar. That room is in already and will not be rung.",
    ),
    (
        "On the second, the rooms ring",
        "Aula picks up. Boardroom is on another call: busy, so it is called again.",
    ),
    (
        "kill -9: the daemon dies while Boardroom rings",
        "The conference is on CMS and goes on. Nobody in it notices anything.",
    ),
    (
        "It starts again, looks first, and rings nobody twice",
        "Who is in the call is asked of every Call Bridge before anything is dialled.",
    ),
    (
        "Ada needs more time and moves the end, in her calendar",
        "Three room calendars change. The running conference gets its new end.",
    ),
    (
        "Ada adds the Library to the running conference",
        "That room alone is rung.",
    ),
    (
        "Linus has booked the Aula right behind",
        "People are told on screen that their time is nearly up.",
    ),
    (
        "Changeover: one conference ends, the next begins, same room",
        "Aula leaves the first conference and rings for the second.",
    ),
    (
        "The last one ends, and every space is closed again",
        "The daemon is stopped. Now: was every promise kept?",
    ),
)
