package report

// Style colours text for a terminal; the zero Style leaves it as it is.
type Style struct{ Color bool }

func (s Style) wrap(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold is for headings.
func (s Style) Bold(text string) string { return s.wrap("1", text) }

// Dim is for what most readers skip.
func (s Style) Dim(text string) string { return s.wrap("2", text) }

// Error is for the word that opens an error.
func (s Style) Error(text string) string { return s.wrap("1;31", text) }

// Warn is for the word that opens a warning.
func (s Style) Warn(text string) string { return s.wrap("1;33", text) }

// Good is for what went well.
func (s Style) Good(text string) string { return s.wrap("32", text) }
