package linker

// Unshaken makes options that keep everything, reached or not.
func Unshaken(o Options) Options {
	o.marking = markAll
	return o
}

// CoarselyShaken makes options that keep everything in a live table.
func CoarselyShaken(o Options) Options {
	o.marking = markTables
	return o
}
