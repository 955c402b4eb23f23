using AsArm.Assd;

namespace AsArm.Inference.ModelFolders;

/// <summary>A model folder cannot be used: a file is missing, damaged, of another format, or inconsistent with the others.</summary>
public sealed class ModelFolderException : AsArmException
{
    /// <summary>A message in one line that names the file.</summary>
    public ModelFolderException(string message)
        : base(message)
    {
    }

    /// <summary>A message in one line that names the file, with the exception that caused it.</summary>
    public ModelFolderException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
