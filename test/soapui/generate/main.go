// Command generate writes test/soapui/registrar-soapui-project.xml.
package main

import (
	"fmt"
	"os"

	"registrar/test/soapui/project"
)

//go:generate go run .

func main() {
	file, err := project.XML()
	if err == nil {
		err = os.WriteFile("../registrar-soapui-project.xml", file, 0o644) //nolint:gosec // for everybody to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
