namespace AsArm.Benchmarks.Statistics;

/// <summary>
/// The 97.5 % quantile of Student's t distribution. The series is right to 1 % from two degrees of freedom on, while a library of numerical
/// methods for this one number would add more than a megabyte to the command.
/// </summary>
internal static class StudentQuantile
{
    /// <summary>Abramowitz and Stegun 26.7.5 at z = 1.96.</summary>
    /// <param name="freedom">Degrees of freedom, at least one.</param>
    public static double Of(int freedom)
    {
        double inverse = 1.0 / freedom;
        return 1.96 + inverse * (2.372 + inverse * (2.822 + inverse * (2.555 + inverse * 1.59)));
    }
}
