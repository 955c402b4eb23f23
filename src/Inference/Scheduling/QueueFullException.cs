using AsArm.Assd;

namespace AsArm.Inference.Scheduling;

/// <summary>The queue of the model is full, and the infiller was opened with <see cref="QueueFullMode.Reject" />. Retry later.</summary>
public sealed class QueueFullException(string message) : AsArmException(message);
