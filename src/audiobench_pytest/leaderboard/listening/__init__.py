"""What people who listened make of a cell's answers: values over raters and clips, which gates judge as any other."""
