// The style of the serif, in a chunk of its own: a visit that starts in a room asks for none of it.

import "./serif.css";
