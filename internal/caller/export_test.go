package caller

// Compared is how many secrets a proof for name is compared with.
func (d *Directory) Compared(name string) int { return len(d.named(name).slots) }
