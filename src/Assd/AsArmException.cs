namespace AsArm.Assd;

/// <summary>Base class of the exceptions of AsArm: input, model folders, devices and models that cannot be used. Errors of the caller's code are .NET's own, such as <see cref="ArgumentException" />.</summary>
public abstract class AsArmException : Exception
{
    /// <summary>Creates an exception.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">The cause; null if there is none.</param>
    protected AsArmException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
