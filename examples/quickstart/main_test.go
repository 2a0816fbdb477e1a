package main

func Example() {
	main()
	// Output:
	// hello, Ada
	// cart: [tea]
	// while it is locked: store: locked
	// revision 2 read 1 time, it is Active
	// it dies 30m0s after the last access
	// another key: store: not found
}
