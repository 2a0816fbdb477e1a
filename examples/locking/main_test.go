package main

func Example() {
	main()
	// Output:
	// sold by two workers: 2000
	// quick writes:   <nil>
	// quick prints:   <nil>
	// late writes:    store: lease lost
	// late prints:    printer: fence 1 is too old, 2 was here
	// in the store:   by quick
	// on the printer: by quick
}
