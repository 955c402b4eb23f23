namespace AsArm.Inference.DraftMeasurement;

/// <summary>Linear least squares with few coefficients.</summary>
internal static class LeastSquares
{
    /// <summary>The coefficients that minimise the squared error, from the normal equations.</summary>
    /// <param name="terms">[observations][coefficients]</param>
    /// <param name="values">[observations]</param>
    /// <exception cref="ArgumentException">The observations do not determine the coefficients.</exception>
    public static double[] Fit(double[][] terms, double[] values)
    {
        int count = terms[0].Length;
        double[][] equations = new double[count][]; // the last column is the right-hand side
        for (int row = 0; row < count; row++)
        {
            equations[row] = new double[count + 1];
            for (int i = 0; i < terms.Length; i++)
            {
                for (int column = 0; column < count; column++)
                    equations[row][column] += terms[i][row] * terms[i][column];
                equations[row][count] += terms[i][row] * values[i];
            }
        }

        for (int column = 0; column < count; column++)
            Eliminate(equations, column);
        return [.. equations.Select((equation, row) => equation[count] / equation[row])];
    }

    private static void Eliminate(double[][] equations, int column)
    {
        int pivot = Enumerable.Range(column, equations.Length - column).MaxBy(row => Math.Abs(equations[row][column]));
        (equations[column], equations[pivot]) = (equations[pivot], equations[column]);
        double scale = equations.Max(equation => Math.Abs(equation[column]));
        if (!(Math.Abs(equations[column][column]) > 1e-9 * scale))
            throw new ArgumentException("The observations do not determine the coefficients.", nameof(equations));
        for (int row = 0; row < equations.Length; row++)
        {
            if (row == column)
                continue;
            double factor = equations[row][column] / equations[column][column];
            for (int i = column; i < equations[row].Length; i++)
                equations[row][i] -= factor * equations[column][i];
        }
    }
}
